/**
 * The fence in SQLite.
 *
 * Guarantee: once a transaction of version n has committed, no transaction of a lower version commits. It begins with
 * `BEGIN IMMEDIATE`, which takes the only write lock that a database file has; the fence row is read and raised in the
 * *same transaction* as the work.
 *
 * Not guarded: statements that run outside the transaction, on another connection, or against another name; a file on a
 * network file system, whose locks are not to be relied on. A leader that is frozen in its transaction holds the lock
 * until it is thawed or killed: SQLite ends nobody's transaction.
 */
import { FencedError, type FencingTerm, versionOf } from './fence.ts';

/**
 * The statements, for programs in any language: between `BEGIN IMMEDIATE` and `COMMIT`, before the first write. `?1` is
 * the name of the guarded thing, `?2` the fencing version.
 *
 * @example
 * ```ts
 * import { fenceSqlite, type SqliteDatabase } from 'tenure/fence';
 *
 * declare const db: SqliteDatabase;
 * db.exec(fenceSqlite.create);
 * ```
 */
export const fenceSqlite = {
  /** Once per database. */
  create: 'CREATE TABLE IF NOT EXISTS tenure_fence (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID',
  /** One row: proceed. No row: a newer version owns the name; roll back. */
  raise: `INSERT INTO tenure_fence (name, version) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET version = excluded.version WHERE tenure_fence.version <= excluded.version
RETURNING version`,
  /** For messages. */
  current: 'SELECT version FROM tenure_fence WHERE name = ?1',
} as const;

/** A database of `better-sqlite3`, of `libsql` or of `node:sqlite` (`DatabaseSync`). */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): { get(...values: (string | number)[]): unknown };
}

/**
 * Runs `work` in a transaction that commits only while no newer fencing version has entered it under `name`.
 *
 * Create the fence table once with `fenceSqlite.create`. `work` uses the same connection for every statement, and
 * neither commits nor rolls back; it is synchronous, since whatever the process ran meanwhile on that connection would
 * be part of the transaction.
 *
 * @returns what `work` returned, after the commit.
 * @throws `FencedError` when a newer version owns `name`, `TypeError` when `work` returns a promise: nothing of `work`
 *   is committed. Any other error of `work` or of SQLite is thrown unchanged after a rollback: `SQLITE_BUSY` when
 *   another connection held the lock for longer than the database's timeout.
 * @example
 * ```ts
 * import { fenced, type SqliteDatabase } from 'tenure/fence';
 *
 * declare const db: SqliteDatabase;
 * declare const term: { fencingVersion: number };
 * fenced.sqlite(db, 'orders', term, () => {
 *   db.exec("UPDATE account SET balance = balance - 5 WHERE id = 'a'");
 * });
 * ```
 */
export function fencedSqlite<Result>(
  db: SqliteDatabase,
  name: string,
  term: FencingTerm,
  work: () => Result extends PromiseLike<unknown> ? never : Result,
): Result {
  const version = versionOf(term);
  db.exec('BEGIN IMMEDIATE');
  try {
    if (!db.prepare(fenceSqlite.raise).get(name, version)) {
      const row = db.prepare(fenceSqlite.current).get(name) as { version: number } | undefined;
      throw new FencedError(name, version, row?.version);
    }
    const result = work() as Result;
    if (typeof (result as { then?: unknown } | undefined)?.then === 'function')
      throw new TypeError(`The work on "${name}" returned a promise; a transaction of SQLite takes synchronous work`);
    db.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(db);
    throw error;
  }
}

/** The first failure counts. SQLite has rolled back by itself after some, such as a full disk. */
function rollBack(db: SqliteDatabase): void {
  try {
    db.exec('ROLLBACK');
  } catch {
    // No transaction is open.
  }
}
