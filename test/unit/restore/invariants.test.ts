import { describe, expect, test } from 'vitest';
import { verificationStart } from '../../../archive/verifier.ts';
import { checkChange, type RestoreChange } from '../../../functions/restore/invariants.ts';
import type { RestoreRecord } from '../../../functions/restore/restore-store.ts';

const begun: RestoreRecord = {
  group: 'orders',
  restoreId: '35efa42d-6f14-8939-99f3-e3fca220a0c2',
  requestId: 'request',
  source: { bucket: 'vault', prefix: 'p/' },
  state: 'VERIFYING',
  entryCount: 6,
  restoredEntries: 0,
  startedAt: 1_000,
  manifestSha256: 'a'.repeat(64),
  verifier: verificationStart,
  file: 0,
  fileEntries: 0,
  logs: [],
  execution: 0,
};
const restoring: RestoreRecord = {
  ...begun,
  state: 'RESTORING',
  version: 100_001,
  restoredEntries: 4,
  logs: ['events'],
};
const completed: RestoreRecord = { ...restoring, state: 'COMPLETED', restoredEntries: 6, endedAt: 2_000 };
const failed: RestoreRecord = { ...restoring, state: 'FAILED', endedAt: 2_000 };
const abandoning: RestoreRecord = { ...restoring, state: 'ABANDONING', execution: 1 };

const replace = (seen: RestoreRecord, next: RestoreRecord): RestoreChange => ({ kind: 'replace', seen, next });
const end = (seen: RestoreRecord, next: RestoreRecord): RestoreChange => ({ kind: 'end', seen, next });
const own = (version: number, over?: RestoreRecord): RestoreChange => ({
  kind: 'own',
  group: 'orders',
  restoreId: 'another',
  version,
  over,
});

/** A bug of each kind, and the invariant that stops it. */
describe('a change that breaks an invariant is refused before it is sent', () => {
  test.each<[string, string, RestoreChange]>([
    ['B7', 'owns the group while it verifies', replace(begun, { ...begun, version: 100_001 })],
    ['B7', 'puts entries while it verifies', replace(begun, { ...begun, restoredEntries: 1 })],
    ['B7', 'begins with a log in its hands', { kind: 'begin', next: { ...begun, logs: ['events'] } }],
    ['B7', 'restores another archive than it verified', replace(restoring, { ...restoring, manifestSha256: 'b' })],
    ['B7', 'reads from another place', replace(restoring, { ...restoring, source: { bucket: 'x', prefix: 'p/' } })],
    ['B8', 'takes a group over at the version of before', own(100_001, failed)],
    ['B8', 'takes over what has completed', own(300_000, completed)],
    ['B8', 'owns a group under no version', own(Number.NaN)],
    ['B10', 'begins as completed', { kind: 'begin', next: { ...begun, state: 'COMPLETED' } }],
    ['B10', 'completes and keeps the group', replace(restoring, completed)],
    ['B10', 'fails and lets go of the group', end(restoring, failed)],
    ['B10', 'runs again after it completed', replace(completed, { ...restoring, restoredEntries: 6 })],
    ['B10', 'is undone after it completed', replace(completed, { ...completed, state: 'ABANDONING' })],
    ['B10', 'loses progress', replace(restoring, { ...restoring, restoredEntries: 3 })],
    ['B10', 'restores while it is undone', replace(abandoning, { ...restoring, execution: 1 })],
  ])('%s: a bug that %s', (name, _what, bug) => {
    expect(() => checkChange(bug)).toThrow(new RegExp(`violates ${name}: .+\\. Nothing was written\\.$`));
  });

  test("the product's own writes are let through", () => {
    for (const change of [
      { kind: 'begin', next: begun } as const,
      replace(begun, { ...begun, state: 'RESTORING' }),
      own(100_001),
      own(200_002, failed),
      replace(restoring, { ...restoring, restoredEntries: 6, file: 1 }),
      replace(restoring, failed),
      end(restoring, completed),
      replace(failed, abandoning),
      replace(abandoning, { ...abandoning, execution: 2 }),
      end(abandoning, { ...abandoning, state: 'ABANDONED' }),
    ]) {
      expect(() => checkChange(change), JSON.stringify(change)).not.toThrow();
    }
  });
});
