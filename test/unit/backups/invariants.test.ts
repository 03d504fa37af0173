import { describe, expect, test } from 'vitest';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import { type BackupChange, checkChange } from '../../../functions/backups/invariants.ts';
import { begunBackup } from '../../support/backups/begun-backup.ts';

const begun = begunBackup('orders', 1_000);
const running: BackupRecord = { ...begun, state: 'RUNNING', attempt: 2, sequence: 4 };
const verifying: BackupRecord = { ...running, state: 'VERIFYING' };
const completed: BackupRecord = { ...verifying, state: 'COMPLETED', endedAt: 2_000, uri: 's3://b/p/' };
const failed: BackupRecord = { ...running, state: 'FAILED', endedAt: 2_000 };

const replace = (seen: BackupRecord, next: BackupRecord): BackupChange => ({ kind: 'replace', seen, next });
const settle = (seen: BackupRecord, next: BackupRecord): BackupChange => ({ kind: 'settle', seen, next });

/** A bug of each kind, and the invariant that stops it. */
describe('a change that breaks an invariant is refused before it is sent', () => {
  test.each<[string, string, BackupChange]>([
    ['B4', 'completes a backup that was not verified', settle(running, { ...completed, attempt: 2 })],
    ['B4', 'completes another attempt than the one that was verified', settle(verifying, { ...completed, attempt: 3 })],
    ['B4', 'begins a backup as completed', { kind: 'begin', next: completed }],
    ['B5', 'begins a backup as failed', { kind: 'begin', next: { ...begun, state: 'FAILED' } }],
    ['B5', 'ends a backup and keeps its hold on the group', replace(running, failed)],
    ['B5', 'ends a backup a second time', settle(failed, failed)],
    ['B5', 'settles a backup that continues', settle(running, verifying)],
    ['B5', 'revives a backup that has failed', replace(failed, running)],
    ['B5', 'moves the end of a backup', replace(completed, { ...completed, endedAt: 3_000 })],
    ['B5', 'removes a running backup', { kind: 'remove', seen: running }],
    ['B6', 'returns to an attempt of before', replace(running, { ...begun, attempt: 1 })],
    ['B6', 'skips an attempt', replace(running, { ...begun, attempt: 4 })],
    ['B6', 'begins an attempt as running', replace(running, { ...running, attempt: 3 })],
    ['B6', 'takes a heartbeat that is older', replace(running, { ...running, sequence: 3 })],
    ['B6', 'writes after the worker has finished', replace(verifying, running)],
    ['B6', 'writes over another backup', replace(running, { ...running, backupId: 'another' })],
  ])('%s: a bug that %s', (name, _what, bug) => {
    expect(() => checkChange(bug)).toThrow(new RegExp(`violates ${name}: .+\\. Nothing was written\\.$`));
  });

  test("the product's own writes are let through", () => {
    const fresh: BackupRecord = { ...begun, attempt: 3, state: 'INITIATING', sequence: 0 };
    for (const change of [
      { kind: 'begin', next: begun } as const,
      replace(running, { ...running, sequence: 5, entryCount: 7 }),
      replace(running, verifying),
      replace(verifying, fresh),
      settle(verifying, completed),
      settle(begun, { ...begun, state: 'FAILED', endedAt: 2_000 }),
      replace(completed, { ...completed, sharedWith: ['orders-copy'] }),
      { kind: 'remove', seen: completed } as const,
    ]) {
      expect(() => checkChange(change), JSON.stringify(change)).not.toThrow();
    }
  });
});
