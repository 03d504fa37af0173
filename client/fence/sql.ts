/**
 * The fence in PostgreSQL.
 *
 * Guarantee: once a transaction of version n has committed, no transaction of a lower version commits. The fence row is
 * read, locked and raised in the *same transaction* as the work, so there is no moment between the check and the write.
 * Transactions of one version share the lock and run concurrently; a newer version waits for those that are open.
 *
 * Not guarded: statements that run outside the transaction, on another connection, or against another name.
 */
import { FencedError, type FencingTerm, versionOf } from './fence.ts';
import { choiceOption, wholeOption } from './options.ts';
import { retryTransaction } from './retry.ts';

/**
 * The statements, for programs in any language. `$1` is the name of the guarded thing, `$2` the fencing version.
 *
 * @example
 * ```ts
 * import { Pool } from 'pg';
 * import { fenceSql } from 'tenure/fence';
 *
 * await new Pool().query(fenceSql.create);
 * ```
 */
export const fenceSql = {
  /** Once per database. */
  create: 'CREATE TABLE IF NOT EXISTS tenure_fence (name text PRIMARY KEY, version bigint NOT NULL)',
  /** First in every guarded transaction. One row: proceed. No row: run `raise`. */
  hold: 'SELECT version FROM tenure_fence WHERE name = $1 AND version = $2 FOR SHARE',
  /** The first transaction of a term. One row: proceed. No row: a newer version owns the name; roll back. */
  raise: `INSERT INTO tenure_fence (name, version) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET version = EXCLUDED.version WHERE tenure_fence.version <= EXCLUDED.version
RETURNING version`,
  /** For messages only: the answer may be old before it arrives. */
  current: 'SELECT version FROM tenure_fence WHERE name = $1',
} as const;

type Row = Record<string, unknown>;

/** A connection of `pg` (`Client`, or what `Pool.connect()` returns). */
export interface PgClient {
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly Row[] }>;
}

/** A `Pool` of `pg`. */
export interface PgPool {
  readonly totalCount: number;
  connect(): Promise<PgClient & { release(error?: Error | boolean): void }>;
}

/** The `sql` function of `postgres`. */
export interface PostgresJs<Tx extends PostgresJsTransaction = PostgresJsTransaction> {
  begin(options: string, work: (tx: Tx) => Promise<unknown>): Promise<unknown>;
}

export interface PostgresJsTransaction {
  unsafe(text: string, values?: never[]): PromiseLike<readonly Row[]>;
}

export interface SqlOptions {
  /**
   * The transaction's isolation level.
   * @defaultValue 'read committed'
   */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
  /**
   * How often a transaction runs in all when PostgreSQL reports a serialization failure (40001) or a deadlock (40P01):
   * 1 to 100.
   * @defaultValue 5
   */
  readonly tries?: number;
  /**
   * PostgreSQL ends a session that idles in the transaction for longer, 1 to 2,147,483,647 ms, so that a frozen leader
   * cannot block its successor.
   * @defaultValue 10,000
   */
  readonly idleTimeoutMs?: number;
}

type Run = (text: string, values?: unknown[]) => Promise<readonly Row[]>;

/**
 * Runs `work` in a transaction that commits only while no newer fencing version has entered it under `name`.
 *
 * Create the fence table once with `fenceSql.create`. `work` receives the connection of the transaction and may run
 * more than once; it uses that connection for every statement and neither commits nor rolls back. Savepoints are
 * allowed.
 *
 * @returns what `work` returned, after the commit.
 * @throws `RangeError` for an option out of its range. `FencedError` when a newer version owns `name`: nothing of
 *   `work` is committed. Any other error of `work` or of
 * PostgreSQL is thrown unchanged after a rollback; after a connection lost during COMMIT the outcome is unknown.
 * @example
 * ```ts
 * import { Pool } from 'pg';
 * import { fenced } from 'tenure/fence';
 *
 * const pool = new Pool();
 * declare const term: { fencingVersion: number };
 * await fenced.sql(pool, 'orders', term, async (tx) => {
 *   await tx.query('UPDATE account SET balance = balance - $1 WHERE id = $2', [5, 'a']);
 * });
 * ```
 */
export function fencedSql<Result>(
  db: PgPool | PgClient,
  name: string,
  term: FencingTerm,
  work: (tx: PgClient) => Promise<Result>,
  options?: SqlOptions,
): Promise<Result>;
export function fencedSql<Result, Tx extends PostgresJsTransaction>(
  db: PostgresJs<Tx>,
  name: string,
  term: FencingTerm,
  work: (tx: Tx) => Promise<Result>,
  options?: SqlOptions,
): Promise<Result>;
export async function fencedSql(
  db: PgPool | PgClient | PostgresJs,
  name: string,
  term: FencingTerm,
  work: (tx: never) => Promise<unknown>,
  { isolation = 'read committed', tries = 5, idleTimeoutMs = 10_000 }: SqlOptions = {},
): Promise<unknown> {
  const version = versionOf(term);
  const runs = wholeOption('tries', tries, [1, 100]);
  wholeOption('idleTimeoutMs', idleTimeoutMs, [1, 2 ** 31 - 1]);
  choiceOption('isolation', isolation, ['read committed', 'repeatable read', 'serializable']);
  const guarded = (run: Run, tx: unknown) =>
    enterAndWork(run, { name, version, idleTimeoutMs }, () => work(tx as never));
  const attempt = () => ('begin' in db ? inPostgresJs(db, isolation, guarded) : inPg(db, isolation, guarded));
  return retryTransaction(runs, isRetryable, attempt);
}

interface Entry {
  readonly name: string;
  readonly version: number;
  readonly idleTimeoutMs: number;
}

async function enterAndWork(run: Run, { name, version, idleTimeoutMs }: Entry, work: () => Promise<unknown>) {
  await run(`SET LOCAL idle_in_transaction_session_timeout = ${idleTimeoutMs}`);
  const held = await run(fenceSql.hold, [name, version]);
  if (held.length === 0) {
    const raised = await run(fenceSql.raise, [name, version]);
    if (raised.length === 0) {
      const [row] = await run(fenceSql.current, [name]);
      throw new FencedError(name, version, row && Number(row['version']));
    }
  }
  return await work();
}

type Guarded = (run: Run, tx: unknown) => Promise<unknown>;

async function inPg(db: PgPool | PgClient, isolation: string, guarded: Guarded): Promise<unknown> {
  if (!('totalCount' in db)) return await inPgClient(db, isolation, guarded);
  const client = await db.connect();
  let broken: Error | undefined;
  try {
    return await inPgClient(client, isolation, guarded);
  } catch (error) {
    // A session that PostgreSQL ended, or whose rollback failed, must not go back into the pool.
    if (!(error instanceof FencedError)) broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}

async function inPgClient(client: PgClient, isolation: string, guarded: Guarded): Promise<unknown> {
  const run: Run = async (text, values) => (await client.query(text, values)).rows;
  // A session that PostgreSQL ends emits 'error' between two statements; without a listener that would end the process.
  // The next statement fails instead.
  client.on?.('error', sessionEnded);
  try {
    await run(`BEGIN ISOLATION LEVEL ${isolation}`);
    const result = await guarded(run, client);
    await run('COMMIT');
    client.off?.('error', sessionEnded);
    return result;
  } catch (error) {
    // The first failure counts. After a lost connection there is nothing to roll back, and it may emit once more.
    const usable = await run('ROLLBACK').then(
      () => true,
      () => false,
    );
    if (usable) client.off?.('error', sessionEnded);
    throw error;
  }
}

const sessionEnded = () => undefined;

async function inPostgresJs(db: PostgresJs, isolation: string, guarded: Guarded): Promise<unknown> {
  return await db.begin(`ISOLATION LEVEL ${isolation}`, (tx) =>
    guarded(async (text, values = []) => await tx.unsafe(text, values as never[]), tx),
  );
}

function isRetryable(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '40001' || code === '40P01';
}
