import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fencedSqlite, fenceSqlite } from '../../../client/fence/sqlite.ts';

let folder: string;
let old: Database.Database;
let next: Database.Database;

/** Two leaders, each with a connection of its own to one file; a lock is not waited for. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenure-sqlite-'));
  const open = () => {
    const db = new Database(join(folder, 'store.db'));
    db.exec('PRAGMA busy_timeout = 0');
    return db;
  };
  old = open();
  old.exec(`${fenceSqlite.create}; CREATE TABLE state (value TEXT); INSERT INTO state VALUES ('none')`);
  next = open();
});

afterEach(() => {
  old.close();
  next.close();
  rmSync(folder, { recursive: true });
});

const write = (db: Database.Database, fencingVersion: number, value: string, meanwhile = () => {}) =>
  fencedSqlite(db, 'orders', { fencingVersion }, () => {
    meanwhile();
    db.prepare('UPDATE state SET value = ?').run(value);
    return value;
  });
const value = () => (next.prepare('SELECT value FROM state').get() as { value: string }).value;

describe('the fence in SQLite', () => {
  test('a newer leader takes over; the older one is refused and writes nothing, however often it tries', () => {
    expect(write(old, 1, 'first')).toBe('first');
    write(old, 1, 'again');
    write(next, 2, 'second');
    for (let tried = 0; tried < 3; tried += 1)
      expect(() => write(old, 1, 'late')).toThrow('Fencing version 2 owns "orders"; yours is 1');
    expect(value()).toBe('second');
    // A refusal leaves no transaction open.
    write(next, 2, 'third');
    expect(value()).toBe('third');
  });

  test('between the check and the write nobody takes over: the successor waits for the lock', () => {
    write(old, 1, 'first', () => expect(() => write(next, 2, 'second')).toThrow(/locked/));
    expect(value()).toBe('first');
    write(next, 2, 'second');
    expect(() => write(old, 1, 'late')).toThrow('owns "orders"');
    expect(value()).toBe('second');
  });

  test('a check outside the transaction lets a deposed leader through', () => {
    write(old, 1, 'first');
    const { version } = old.prepare(fenceSqlite.current).get('orders') as { version: number };
    write(next, 2, 'second');
    expect(version).toBe(1);
    old.exec("UPDATE state SET value = 'zombie'");
    expect(value()).toBe('zombie');
  });

  test('work that fails, or returns a promise, leaves neither its writes nor its version', () => {
    expect(() =>
      write(old, 7, 'seventh', () => {
        throw new Error('of the work');
      }),
    ).toThrow('of the work');
    const asynchronous = () => {
      old.exec("UPDATE state SET value = 'early'");
      return Promise.resolve() as never;
    };
    expect(() => fencedSqlite(old, 'orders', { fencingVersion: 8 }, asynchronous)).toThrow('returned a promise');
    expect(value()).toBe('none');
    write(next, 1, 'first');
    expect(value()).toBe('first');
  });

  test('names are fenced apart, and a version must be one', () => {
    write(next, 2, 'second');
    expect(fencedSqlite(old, 'other', { fencingVersion: 1 }, () => 5)).toBe(5);
    expect(() => write(old, Number.NaN, 'x')).toThrow(RangeError);
    // Nothing was begun.
    write(old, 2, 'same term, another process');
    expect(value()).toBe('same term, another process');
  });
});
