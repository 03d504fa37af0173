import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import { abandon } from '../../../functions/restore/abandon.ts';
import { startRestore } from '../../../functions/restore/restore.ts';
import { giveUp, reviveRestores, stepRestore } from '../../../functions/restore/steps.ts';
import { contend } from '../../../leadership/contend.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { sizes } from '../../sizes.ts';
import { CrashedError } from '../../support/faults.ts';
import { overriding } from '../../support/overriding.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { type ArchiveWorld, openArchives } from '../backups/archive-world.ts';
import { mortalProcess } from '../backups/mortal-process.ts';
import { bare, logNames, logNow, randomGroup } from '../backups/random-group.ts';

let archive: ArchiveWorld;
let backup: BackupRecord;
let other: BackupRecord;
const random = seededRandom(3);

beforeAll(async () => {
  archive = await openArchives();
  const { world, logs } = archive;
  const service = archive.process();
  const group = `owner-${randomUUID()}`;
  const { step } = await randomGroup(world, world.process(), logs, group, seededRandom(19));
  const grown = async () => {
    for (let n = 0; n < 25; n += 1) await step();
    const taken = await archive.backUp(service, group);
    await service.cutter.release(group, taken.backupId);
    return taken;
  };
  backup = await grown();
  other = await grown();
});
afterAll(() => archive.world.close());

const trusting = () => archive.process({ restoreSources: [`s3://${archive.world.bucket}/backups/`] });
const uriOf = (taken: BackupRecord) => archive.process().archives.uri(taken);
const recordOf = async (group: string, restoreId: string) =>
  (await archive.process().restores.restores.read(group, restoreId))?.record;

async function begun(group: string, taken = backup): Promise<string> {
  const { restores } = trusting();
  const { restoreId } = await startRestore(restores, { group, uri: uriOf(taken), requestId: randomUUID() }, 0);
  return restoreId;
}

/** Lets a process step until it dies at its n-th request; returns how many it sent. */
async function stepUntil(fatal: number, group: string, restoreId: string): Promise<number> {
  const one = mortalProcess(archive, fatal);
  try {
    for (let over = false; !over; ) {
      ({ over } = await stepRestore(one.process.restores, group, restoreId, 60_000));
    }
  } catch (error) {
    if (!(error instanceof CrashedError)) throw error;
  } finally {
    one.end();
  }
  return one.sent();
}

const forever = Number.POSITIVE_INFINITY;
const leadershipRoom = () => {
  const { world } = archive;
  return { store: leaseTable(world.other, world.table), clock: world.clock, maxClockSkewMs: 0 };
};

async function contentOf(group: string) {
  const { items } = await archive.process().jobs.room.jobs.list(group, undefined, 1_000);
  const logs = await Promise.all(logNames.map((log) => logNow(archive.logs, group, log)));
  return { jobs: (items as Job[]).map(bare), logs };
}

async function expectEmpty(group: string) {
  const { jobs } = archive.process();
  expect((await jobs.room.jobs.list(group, undefined, 1_000)).items).toEqual([]);
  expect(await archive.logs.list(group)).toEqual([]);
  for (const log of logNames) {
    for (const { inForce, actions } of archive.logs.of(group, log).replicas) {
      expect(inForce).toMatchObject({ status: 'EMPTY', begin: 0, end: 0, promised: 0 });
      expect(actions.size).toBe(0);
    }
  }
}

test('a restore that is abandoned at any request leaves the group empty, to be led or restored into again', async () => {
  const whole = `whole-${randomUUID()}`;
  const requests = await stepUntil(forever, whole, await begun(whole));
  const anew = await trusting().restore({ group: `anew-${randomUUID()}`, uri: uriOf(other) });
  const expected = await contentOf(anew.group);
  for (let point = 0; point < sizes.backups.restoreKills / 2; point += 1) {
    const group = `given-up-${randomUUID()}`;
    const restoreId = await begun(group);
    await stepUntil(random.integer(1, requests - 1), group, restoreId);
    const failedFirst = random.chance(0.5);
    if (failedFirst) await giveUp(archive.process().restores, group, restoreId, 'test');
    const { restores } = archive.process();
    expect(await abandon(restores, group, restoreId)).toMatchObject({ state: 'ABANDONING' });
    const owned = (await leadershipRoom().store.read(group, true))?.restoring !== undefined;
    if (owned) {
      const early = contend(leadershipRoom(), group, { contenderId: 'c', leaseMs: 5_000 }, randomUUID());
      await expect(early).rejects.toMatchObject({ code: 'group_restoring' });
    }
    await stepUntil(random.integer(1, 60), group, restoreId);
    await stepUntil(forever, group, restoreId);
    expect(await recordOf(group, restoreId)).toMatchObject({ state: 'ABANDONED' });
    expect(await abandon(restores, group, restoreId)).toMatchObject({ state: 'ABANDONED' });
    await expectEmpty(group);

    if (random.chance(0.3)) await archive.world.lead(group);
    else {
      const restored = await trusting().restore({ group, uri: uriOf(other) });
      expect(restored).toMatchObject({ state: 'COMPLETED' });
      expect(await contentOf(group)).toEqual(expected);
    }
    const again = trusting().restore({ group, uri: uriOf(other) });
    await expect(again).rejects.toMatchObject({ code: 'group_not_empty' });
  }
}, 600_000);

test('a new restore of the same backup continues where one failed, even with logs half-way', async () => {
  const whole = `whole-${randomUUID()}`;
  const requests = await stepUntil(forever, whole, await begun(whole));
  const expected = await contentOf(whole);
  for (let point = 0; point < sizes.backups.restoreKills / 4; point += 1) {
    const group = `twice-${randomUUID()}`;
    const first = await begun(group);
    await stepUntil(random.integer(Math.floor(requests / 3), requests - 1), group, first);
    await giveUp(archive.process().restores, group, first, 'test');
    const second = await begun(group);
    await stepUntil(random.integer(1, requests), group, second);
    await giveUp(archive.process().restores, group, second, 'test');
    // The second had less left to do than the first, and may have done it.
    const done = (await recordOf(group, second))?.state === 'COMPLETED';
    const restoreId = done ? second : (await trusting().restore({ group, uri: uriOf(backup) })).restoreId;
    expect(await recordOf(group, restoreId)).toMatchObject({ state: 'COMPLETED', restoredEntries: backup.entryCount });
    expect(await contentOf(group)).toEqual(expected);
    // Abandoning what another has gone on with changes nothing any more.
    await abandon(archive.process().restores, group, first);
    await stepUntil(forever, group, first);
    expect(await recordOf(group, first)).toMatchObject({ state: 'ABANDONED' });
    expect(await contentOf(group)).toEqual(expected);
  }
}, 600_000);

test('a failed restore that is being abandoned is not gone on with', async () => {
  const group = `raced-${randomUUID()}`;
  const first = await begun(group);
  await stepUntil(60, group, first);
  await giveUp(archive.process().restores, group, first, 'test');
  const second = await begun(group);
  const { restores } = archive.process();
  const late = overriding(restores.restores, {
    async own(...asked: Parameters<typeof restores.restores.own>) {
      await abandon(restores, group, first);
      return restores.restores.own(...asked);
    },
  });
  while (!(await stepRestore({ ...restores, restores: late }, group, second, 60_000)).over);
  expect(await recordOf(group, second)).toMatchObject({ state: 'FAILED', error: { code: 'group_not_empty' } });
  await stepUntil(forever, group, first);
  expect(await recordOf(group, first)).toMatchObject({ state: 'ABANDONED' });
  await expectEmpty(group);
});

test('a restore that completed is not abandoned; one that only verified leaves nothing behind', async () => {
  const group = `done-${randomUUID()}`;
  const { restoreId } = await trusting().restore({ group, uri: uriOf(backup) });
  await expect(abandon(archive.process().restores, group, restoreId)).rejects.toMatchObject({
    code: 'restore_completed',
  });
  expect(await abandon(archive.process().restores, group, randomUUID())).toBeUndefined();

  const early = `early-${randomUUID()}`;
  const verifying = await begun(early);
  await abandon(archive.process().restores, early, verifying);
  await stepUntil(forever, early, verifying);
  expect(await recordOf(early, verifying)).toMatchObject({ state: 'ABANDONED', restoredEntries: 0 });
  await archive.world.lead(early);
});

test('the undoing of a failed restore runs under a name of its own', async () => {
  const group = `named-${randomUUID()}`;
  const restoreId = await begun(group);
  await giveUp(archive.process().restores, group, restoreId, 'test');
  const launched: number[] = [];
  const { restores } = archive.process();
  const room = {
    ...restores,
    launch: async ({ execution }: { execution: number }) => {
      launched.push(execution);
      return 'running' as const;
    },
  };
  await abandon(room, group, restoreId);
  await abandon(room, group, restoreId);
  await giveUp(restores, group, restoreId, 'test');
  await abandon(room, group, restoreId);
  expect(launched).toEqual([1, 1, 2]);
});

/** Launches as Step Functions does: a name starts once, and stays taken after its end. Those of other restores run. */
function executionsOf(restoreId: string) {
  const states: ('running' | 'ended')[] = [];
  const { restores } = archive.process();
  const launch = async (asked: { restoreId: string; execution: number }) => {
    if (asked.restoreId !== restoreId) return 'running';
    states[asked.execution] ??= 'running';
    return states[asked.execution] ?? 'running';
  };
  return { states, end: () => states.fill('ended'), room: { ...restores, launch } };
}

test('a restore whose execution has ended is undone by another one as soon as it is abandoned', async () => {
  const group = `stopped-${randomUUID()}`;
  const restoreId = await begun(group);
  await stepUntil(60, group, restoreId);
  const { room, states, end } = executionsOf(restoreId);
  await room.launch({ restoreId, execution: 0 });
  end();
  expect(await abandon(room, group, restoreId)).toMatchObject({ state: 'ABANDONING', execution: 1 });
  expect(await abandon(room, group, restoreId)).toMatchObject({ state: 'ABANDONING', execution: 1 });
  expect(states).toEqual(['ended', 'running']);
  await stepUntil(forever, group, restoreId);
  await expectEmpty(group);
});

test('an undoing whose execution ended continues in another one within the minute, however often', async () => {
  const group = `undone-${randomUUID()}`;
  const restoreId = await begun(group);
  await stepUntil(60, group, restoreId);
  const { room, states, end } = executionsOf(restoreId);
  await abandon(room, group, restoreId);
  for (const execution of [1, 2]) {
    end();
    await reviveRestores(room);
    expect(await recordOf(group, restoreId)).toMatchObject({ state: 'ABANDONING', execution });
    await reviveRestores(room);
    expect(states[execution]).toBe('running');
    expect(states).toHaveLength(execution + 1);
  }
  await stepUntil(forever, group, restoreId);
  expect(await recordOf(group, restoreId)).toMatchObject({ state: 'ABANDONED' });
  await expectEmpty(group);
  expect(await room.restores.listOpen()).not.toContainEqual({ group, restoreId });
});

test('a restore that is abandoned while the minute looks at it is not given up', async () => {
  const group = `looked-at-${randomUUID()}`;
  const restoreId = await begun(group);
  await stepUntil(60, group, restoreId);
  const { room, end } = executionsOf(restoreId);
  await room.launch({ restoreId, execution: 0 });
  end();
  const { restores } = room;
  const late = overriding(restores, {
    async replace(...[seen, next]: Parameters<typeof restores.replace>) {
      if (next.state === 'FAILED') await abandon(room, group, restoreId);
      return restores.replace(seen, next);
    },
  });
  await reviveRestores({ ...room, restores: late });
  expect(await recordOf(group, restoreId)).toMatchObject({ state: 'ABANDONING', execution: 1 });
});
