/**
 * The fence in MySQL and MariaDB (InnoDB).
 *
 * Guarantee: once a transaction of version n has committed, no transaction of a lower version commits. The fence row is
 * read, locked and raised in the *same transaction* as the work. That is an XA transaction, committed in one phase:
 * the server then refuses what would end it before its time (`COMMIT`, and the statements that commit implicitly, such
 * as `ALTER TABLE` and `TRUNCATE`), and all statements after a deadlock has rolled it back. In a plain transaction the
 * statements after those would run outside it, unguarded.
 *
 * Not guarded: statements on another connection or against another name; `changeUser` and `reset` of the connection;
 * tables that are not transactional (MyISAM), whose rows stay when the work is rolled back; clusters that accept writes
 * on several nodes, which do not share the row's lock (Galera refuses XA).
 */
import { randomUUID } from 'node:crypto';
import { FencedError, type FencingTerm, versionOf } from './fence.ts';
import { choiceOption, wholeOption } from './options.ts';
import { retryTransaction } from './retry.ts';

/**
 * The statements, for programs in any language: after `XA START`, before the first write. `?` is the name of the
 * guarded thing, then the fencing version.
 *
 * @example
 * ```ts
 * import { createPool } from 'mysql2/promise';
 * import { fenceMysql } from 'tenure/fence';
 *
 * await createPool('mysql://localhost/shop').query(fenceMysql.create);
 * ```
 */
export const fenceMysql = {
  /** Once per schema. */
  create: `CREATE TABLE IF NOT EXISTS tenure_fence
(name varbinary(255) PRIMARY KEY, version bigint NOT NULL) ENGINE = InnoDB`,
  /** First in every guarded transaction. One row: proceed. No row: end it, and begin another with `raise`. */
  hold: 'SELECT version FROM tenure_fence WHERE name = ? AND version = ? LOCK IN SHARE MODE',
  /** First in the first transaction of a term, followed by `current`. */
  raise: `INSERT INTO tenure_fence (name, version) VALUES (?, ?)
ON DUPLICATE KEY UPDATE version = GREATEST(version, VALUES(version))`,
  /** Your version: proceed. A higher one owns the name: roll back. */
  current: 'SELECT version FROM tenure_fence WHERE name = ? FOR UPDATE',
  /** Anything but InnoDB: the table cannot lock a row. */
  engine: `SELECT ENGINE AS engine FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'tenure_fence'`,
} as const;

/** A connection of `mysql2/promise`. */
export interface MysqlConnection {
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
  query(sql: string): Promise<readonly [unknown, ...unknown[]]>;
  execute(sql: string, values?: (string | number)[]): Promise<readonly [unknown, ...unknown[]]>;
  destroy(): void;
}

/** A pool of `mysql2/promise`. */
export interface MysqlPool<Tx extends MysqlConnection = MysqlConnection> {
  getConnection(): Promise<Tx & { release(): void }>;
}

export interface MysqlOptions {
  /**
   * The transaction's isolation level.
   * @defaultValue that of the session
   */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /**
   * How often a transaction runs in all when the server reports a deadlock (1213) or a lock that it waited for too long
   * (1205): 1 to 100.
   * @defaultValue 5
   */
  readonly tries?: number;
  /**
   * The server ends a session that idles in the transaction for longer, 1 to 2,147,483,000 ms in whole seconds rounded
   * up, so that a frozen leader cannot block its successor.
   * @defaultValue 10,000
   */
  readonly idleTimeoutMs?: number;
}

/**
 * Runs `work` in a transaction that commits only while no newer fencing version has entered it under `name`.
 *
 * Create the fence table once with `fenceMysql.create`. `work` receives the connection of the transaction and may run
 * more than once; it uses that connection for every statement. Savepoints and prepared statements are allowed.
 *
 * @returns what `work` returned, after the commit.
 * @throws `RangeError` for an option out of its range or a name above 255 bytes. `FencedError` when a newer version
 *   owns `name`: nothing of `work` is committed. Any other error of `work` or of the server is thrown unchanged after a
 *   rollback; after a connection lost during the commit the outcome is unknown.
 * @example
 * ```ts
 * import { createPool } from 'mysql2/promise';
 * import { fenced } from 'tenure/fence';
 *
 * const pool = createPool('mysql://localhost/shop');
 * declare const term: { fencingVersion: number };
 * await fenced.mysql(pool, 'orders', term, async (tx) => {
 *   await tx.execute('UPDATE account SET balance = balance - ? WHERE id = ?', [5, 'a']);
 * });
 * ```
 */
export function fencedMysql<Result, Tx extends MysqlConnection>(
  db: MysqlPool<Tx>,
  name: string,
  term: FencingTerm,
  work: (tx: Tx) => Promise<Result>,
  options?: MysqlOptions,
): Promise<Result>;
export function fencedMysql<Result, Tx extends MysqlConnection>(
  db: Tx,
  name: string,
  term: FencingTerm,
  work: (tx: Tx) => Promise<Result>,
  options?: MysqlOptions,
): Promise<Result>;
export async function fencedMysql(
  db: MysqlPool | MysqlConnection,
  name: string,
  term: FencingTerm,
  work: (tx: never) => Promise<unknown>,
  { isolation, tries = 5, idleTimeoutMs = 10_000 }: MysqlOptions = {},
): Promise<unknown> {
  const version = versionOf(term);
  const runs = wholeOption('tries', tries, [1, 100]);
  const idleSeconds = Math.ceil(wholeOption('idleTimeoutMs', idleTimeoutMs, [1, 2_147_483_000]) / 1000);
  if (isolation !== undefined)
    choiceOption('isolation', isolation, ['read committed', 'repeatable read', 'serializable']);
  if (Buffer.byteLength(name) > 255) throw new RangeError(`name has ${Buffer.byteLength(name)} bytes; 255 fit`);
  const guard: Guard = { name, version, isolation, idleSeconds };
  return retryTransaction(runs, isRetryable, () => onConnection(db, guard, work));
}

interface Guard {
  readonly name: string;
  readonly version: number;
  readonly isolation: string | undefined;
  readonly idleSeconds: number;
}

type Work = (tx: never) => Promise<unknown>;

async function onConnection(db: MysqlPool | MysqlConnection, guard: Guard, work: Work): Promise<unknown> {
  if (!('getConnection' in db)) return await runGuarded(db, guard, work);
  const connection = await db.getConnection();
  try {
    return await runGuarded(connection, guard, work);
  } finally {
    if (unusable.has(connection)) connection.destroy();
    else connection.release();
  }
}

/** Sessions that the server ended, or whose rollback failed: they must not go back into the pool. */
const unusable = new WeakSet<MysqlConnection>();

/** The settings of the session hold while the guarded transactions run, and are as before afterwards. */
async function runGuarded(connection: MysqlConnection, guard: Guard, work: Work): Promise<unknown> {
  // The server may end the session between two statements; without a listener that would end the process.
  connection.on?.('error', sessionEnded);
  const timeout = `SET @tenure_wait_timeout = @@SESSION.wait_timeout, SESSION wait_timeout = ${guard.idleSeconds}`;
  await connection.query(timeout).catch((error: unknown) => {
    unusable.add(connection);
    throw error;
  });
  try {
    return await enterAndWork(connection, guard, work);
  } finally {
    await connection.query('SET SESSION wait_timeout = @tenure_wait_timeout').catch(() => unusable.add(connection));
    if (!unusable.has(connection)) connection.off?.('error', sessionEnded);
  }
}

const sessionEnded = () => undefined;

/** Transactions of one version share the row. To raise it they begin anew: two that share it would deadlock. */
async function enterAndWork(connection: MysqlConnection, guard: Guard, work: Work): Promise<unknown> {
  const { name, version } = guard;
  const held = await inXa(connection, guard, async () => {
    const rows = await rowsOf(connection, fenceMysql.hold, [name, version]);
    return rows.length === 0 ? undefined : { result: await work(connection as never) };
  });
  if (held) return held.result;
  return await inXa(connection, guard, async () => {
    const [table] = await rowsOf(connection, fenceMysql.engine, []);
    if (table && table['engine'] !== 'InnoDB')
      throw new TypeError(
        `tenure_fence is a table of ${table['engine']}, which cannot lock a row; alter it to ENGINE = InnoDB`,
      );
    await connection.execute(fenceMysql.raise, [name, version]);
    const [row] = await rowsOf(connection, fenceMysql.current, [name]);
    const current = Number(row?.['version']);
    if (current !== version) throw new FencedError(name, version, current);
    return await work(connection as never);
  });
}

async function inXa<Result>(connection: MysqlConnection, guard: Guard, work: () => Promise<Result>): Promise<Result> {
  const xid = `'tenure-${randomUUID()}'`;
  try {
    if (guard.isolation !== undefined) await connection.query(`SET TRANSACTION ISOLATION LEVEL ${guard.isolation}`);
    await connection.query(`XA START ${xid}`);
    const result = await work();
    await endXa(connection, xid);
    await connection.query(`XA COMMIT ${xid} ONE PHASE`);
    return result;
  } catch (error) {
    const stayed = await rollBack(connection, xid);
    if (!stayed) throw error;
    throw new Error(
      `The work on "${guard.name}" failed and was rolled back, except in tables that are not transactional; use InnoDB`,
      { cause: error },
    );
  }
}

/** After a deadlock that the work caught there is nothing to end: the commit then says that it was rolled back. */
async function endXa(connection: MysqlConnection, xid: string): Promise<void> {
  try {
    await connection.query(`XA END ${xid}`);
  } catch (error) {
    if (errnoOf(error) !== rolledBackOnly) throw error;
  }
}

/** Whether rows stayed. The first failure counts: after a lost connection there is nothing to roll back. */
async function rollBack(connection: MysqlConnection, xid: string): Promise<boolean> {
  try {
    await endXa(connection, xid);
    await connection.query(`XA ROLLBACK ${xid}`);
    const warnings = await rowsOf(connection, 'SHOW WARNINGS');
    return warnings.some((warning) => warning['Code'] === notRolledBack);
  } catch {
    unusable.add(connection);
    return false;
  }
}

async function rowsOf(connection: MysqlConnection, sql: string, values?: (string | number)[]) {
  const [rows] = values ? await connection.execute(sql, values) : await connection.query(sql);
  return rows as readonly Record<string, unknown>[];
}

const errnoOf = (error: unknown) => (error as { errno?: unknown }).errno;

const rolledBackOnly = 1399;
const notRolledBack = 1196;

/** Deadlock, lock wait timeout, the same reported by the commit, and MariaDB's "record has changed since last read". */
const isRetryable = (error: unknown) => [1213, 1205, 1614, 1613, 1020].includes(Number(errnoOf(error)));
