/** A restore whose writes will never succeed, and one whose id somebody else has taken. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import { abandon } from '../../../functions/restore/abandon.ts';
import { startRestore, type WithLaunch } from '../../../functions/restore/restore.ts';
import { stepRestore } from '../../../functions/restore/steps.ts';
import { contend } from '../../../leadership/contend.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { initialise, memoryWriter } from '../../support/backups/memory-logs.ts';
import { injectFaults } from '../../support/faults.ts';
import { checkpoint, submit } from '../../support/job-world.ts';
import { overriding } from '../../support/overriding.ts';
import { type ArchiveWorld, openArchives } from '../backups/archive-world.ts';

let archive: ArchiveWorld;
let backup: BackupRecord;

beforeAll(async () => {
  archive = await openArchives();
  const { world, logs } = archive;
  const service = archive.process();
  const group = `owner-${randomUUID()}`;
  const fence = await world.lead(group);
  await submit(service.jobs, fence, `/groups/${group}/jobs/j`, {});
  await checkpoint(service.jobs, fence, `/groups/${group}/jobs/j`, 'the state');
  await initialise(logs, group, 'events');
  await memoryWriter(logs.of(group, 'events'), 1).append('one');
  backup = await archive.backUp(service, group);
  await service.cutter.release(group, backup.backupId);
});
afterAll(() => archive.world.close());

const restoring = () => archive.process({ restoreSources: [`s3://${archive.world.bucket}/backups/`] }).restores;
const uri = () => archive.process().archives.uri(backup);

/** As the store says it. */
const refusals = {
  'a write that the table finds invalid': named(
    'ValidationException',
    'Item size has exceeded the maximum allowed size',
  ),
  'a write that the role may not make': named('AccessDeniedException', 'not authorized to perform dynamodb:PutItem'),
  'a transaction that the table finds invalid': Object.assign(named('TransactionCanceledException', 'cancelled'), {
    CancellationReasons: [{ Code: 'None' }, { Code: 'ValidationError', Message: 'too large' }],
  }),
};

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

/** Steps until it is over; returns how often. */
async function stepped(room: WithLaunch, { group, restoreId }: { group: string; restoreId: string }): Promise<number> {
  for (let steps = 1; steps <= 5; steps += 1) {
    const { over } = await stepRestore(room, group, restoreId, 60_000);
    if (over) return steps;
  }
  throw new Error('still not over after 5 steps');
}

test.each(Object.entries(refusals))(
  '%s for good fails the restore at once, with the reason; it can be abandoned',
  async (_what, error) => {
    const group = `refused-${randomUUID()}`;
    const room = restoring();
    const refusing: WithLaunch = {
      ...room,
      restores: overriding(room.restores, { putJob: () => Promise.reject(error) }),
    };
    const begun = await startRestore(refusing, { group, uri: uri(), requestId: 'r' }, 10_000);
    expect(await stepped(refusing, begun)).toBe(1);
    expect((await room.restores.read(group, begun.restoreId))?.record).toMatchObject({
      state: 'FAILED',
      error: {
        code: 'write_refused',
        message: expect.stringContaining('A store refuses what the restore writes, for good'),
      },
    });
    expect(await abandon(room, group, begun.restoreId)).toMatchObject({ state: 'ABANDONING' });
    await stepped(room, begun);
    expect((await room.restores.read(group, begun.restoreId))?.record.state).toBe('ABANDONED');
    await archive.world.lead(group);
  },
);

test('a passing error is tried again and fails nothing', async () => {
  const group = `throttled-${randomUUID()}`;
  const room = restoring();
  const throttled = named('ThrottlingException', 'slow down');
  const refusing: WithLaunch = {
    ...room,
    restores: overriding(room.restores, { putJob: () => Promise.reject(throttled) }),
  };
  const begun = await startRestore(refusing, { group, uri: uri(), requestId: 'r' }, 10_000);
  await expect(stepRestore(refusing, group, begun.restoreId, 60_000)).rejects.toThrow('slow down');
  await stepped(room, begun);
  expect((await room.restores.read(group, begun.restoreId))?.record.state).toBe('COMPLETED');
});

test('a leader who has taken the id of a restore is not touched once that one is abandoned', async () => {
  const group = `taken-${randomUUID()}`;
  const room = restoring();
  const begun = await startRestore(room, { group, uri: uri(), requestId: 'first' }, 10_000);
  const id = begun.restoreId;
  const { other, table, clock } = archive.world;
  const leadership = { store: leaseTable(other, table), clock, maxClockSkewMs: 0 };
  const term = await contend(leadership, group, { contenderId: id, leaseMs: 60_000 }, id);
  await stepped(room, begun);
  await abandon(room, group, id);
  await stepped(room, begun);
  expect((await room.restores.read(group, id))?.record.state).toBe('ABANDONED');

  const before = await leadership.store.read(group, true);
  await expect(startRestore(room, { group, uri: uri(), requestId: 'second' }, 10_000)).rejects.toMatchObject({
    code: 'group_not_empty',
  });
  const abandoned = await room.restores.read(group, id);
  for (const restoreId of [id, randomUUID()]) {
    expect(await room.restores.own(group, restoreId, 900_000, abandoned)).toBe(false);
  }
  expect(await leadership.store.read(group, true)).toEqual(before);
  expect(before).toMatchObject({ fencingVersion: term.fencingVersion, holder: { contenderId: id } });
});

test.each([1, 2])(
  'a bucket that is throttled from its request number %i of the verification on lets the restore begin; its steps verify',
  async (calm) => {
    const group = `throttled-${randomUUID()}`;
    const s3 = archive.world.newS3();
    const faults = injectFaults(s3);
    let asked = 0;
    faults.plan = () => {
      asked += 1;
      return asked > calm ? 'throttle' : undefined;
    };
    const restoreSources = [`s3://${archive.world.bucket}/backups/`];
    const room = archive.process({ restoreSources, s3 }).restores;
    const begun = await startRestore(room, { group, uri: uri(), requestId: 'r' }, 30_000);
    expect(asked).toBeGreaterThan(calm);
    expect(begun).toMatchObject({ state: 'VERIFYING' });
    faults.plan = () => undefined;
    await stepped(room, begun);
    expect((await room.restores.read(group, begun.restoreId))?.record).toMatchObject({ state: 'COMPLETED' });
  },
);
