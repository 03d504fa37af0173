import { randomUUID } from 'node:crypto';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import type { GroupLogs } from '../../../functions/backups/group-logs.ts';
import { startRestore, stepRestore } from '../../../functions/backups/restore.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import { contend } from '../../../functions/leadership/leadership.ts';
import { leaseTable } from '../../../functions/leadership/lease-table.ts';
import type { Replica } from '../../../functions/log/replica.ts';
import { sizes } from '../../sizes.ts';
import { Crashed, type Fault, injectFaults } from '../../support/faults.ts';
import { localDocuments } from '../../support/main-table.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { type ArchiveWorld, openArchives } from './archive-world.ts';
import { bare, logNames, logNow, randomGroup } from './random-group.ts';

let archive: ArchiveWorld;
let backup: BackupRecord;
beforeAll(async () => {
  archive = await openArchives();
  const { world, logs } = archive;
  const service = archive.process();
  const group = `owner-${randomUUID()}`;
  const { step } = await randomGroup(world, world.process(), logs, group, seededRandom(7));
  for (let n = 0; n < 40; n += 1) await step();
  backup = await archive.backUp(service, group);
});
afterAll(() => archive.world.close());

/** A process that ends at its n-th request, whichever store it goes to, before it is sent or after it took effect. */
function mortalProcess(fatal: number) {
  const { world, logs } = archive;
  const client = localDocuments(inject('dynamodb'));
  const endpoint = world.s3.config.endpoint;
  const s3 = new S3Client({
    ...(endpoint ? { endpoint } : {}),
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  let sent = 0;
  let dead = false;
  const crash: Fault = fatal % 2 === 0 ? 'crash before' : 'crash after';
  const next = (): Fault | undefined => {
    sent += 1;
    if (sent !== fatal && !dead) return undefined;
    const already = dead;
    dead = true;
    return already ? 'crash before' : crash;
  };
  for (const one of [client, s3]) injectFaults(one).plan = next;
  const mortal = (replica: Replica): Replica =>
    Object.fromEntries(
      Object.entries(replica).map(([name, act]) => [
        name,
        typeof act !== 'function'
          ? act
          : async (...args: never[]) => {
              const fault = next();
              if (fault === 'crash before') throw new Crashed('The process ended here');
              const answer = await act(...args);
              if (fault) throw new Crashed('The process ended here');
              return answer;
            },
      ]),
    ) as unknown as Replica;
  const dying: GroupLogs = {
    ...logs,
    open: (group, log) => {
      const parts = logs.open(group, log);
      return { ...parts, replicas: parts.replicas.map(mortal) };
    },
  };
  const process = archive.process({
    logs: dying,
    client,
    s3,
    restoreSources: [`s3://${world.bucket}/backups/`],
  });
  return {
    process,
    sent: () => sent,
    end: () => {
      s3.destroy();
      client.destroy();
    },
  };
}

const contentOf = async (group: string) => {
  const { items } = await archive.process().jobs.room.jobs.list(group, undefined, 1_000);
  const logs = await Promise.all(logNames.map((log) => logNow(archive.logs, group, log)));
  return { jobs: (items as Job[]).map(bare), logs };
};

async function leadershipOf(group: string) {
  const { world } = archive;
  const room = { store: leaseTable(world.other, world.table), clock: world.clock, maxClockSkewMs: 0 };
  return contend(room, group, { contenderId: 'next', leaseMs: 5_000 }, randomUUID());
}

/** Runs a restore that is killed at every `every`-th request, by processes that each live that long. */
async function restoreDying(lifetimes: (nth: number) => number) {
  const group = `to-${randomUUID()}`;
  const uri = archive.process().archives.uri(backup);
  const begun = mortalProcess(Number.POSITIVE_INFINITY);
  const { restoreId } = await startRestore(begun.process.restores, { group, uri, requestId: 'r' }, 0);
  begun.end();
  let deaths = 0;
  for (let nth = 0; nth < 2_000; nth += 1) {
    const one = mortalProcess(lifetimes(nth));
    try {
      const { over } = await stepRestore(one.process.restores, group, restoreId, 60_000);
      if (over) return { group, restoreId, deaths, requests: one.sent() };
    } catch (error) {
      if (!(error instanceof Crashed)) throw error;
      deaths += 1;
    } finally {
      one.end();
    }
    const { world } = archive;
    const owned = await leaseTable(world.other, world.table).read(group, true);
    // Before its first write the group is free.
    if (!owned) continue;
    const problem = await leadershipOf(group).catch((error: { code?: string }) => error.code);
    if (problem !== 'group_restoring') throw new Error(`A contender was let in: ${JSON.stringify(problem)}`);
  }
  throw new Error('The restore never ended');
}

test('a restore that is killed at any request goes on where it stopped, and ends with the same content', async () => {
  const whole = await restoreDying(() => Number.POSITIVE_INFINITY);
  const expected = await contentOf(whole.group);
  expect(expected.jobs.length).toBeGreaterThan(0);
  expect(expected.logs.some(({ entries }) => entries.length > 0)).toBe(true);
  const random = seededRandom(11);
  const points = Array.from({ length: sizes.backups.restoreKills }, () => random.integer(1, whole.requests));
  for (const point of points) {
    const killed = await restoreDying((nth) => (nth === 0 ? point : Number.POSITIVE_INFINITY));
    expect(killed.deaths).toBe(1);
    expect(await contentOf(killed.group)).toEqual(expected);
    const stored = await archive.process().restores.restores.read(killed.group, killed.restoreId);
    expect(stored?.record).toMatchObject({ state: 'COMPLETED', restoredEntries: backup.entryCount });
    expect((await leadershipOf(killed.group)).fencingVersion).toBeGreaterThan(100_000);
  }
});

test('a step that comes late changes nothing of what the new leader did', async () => {
  const { world, logs } = archive;
  const { group, restoreId } = await restoreDying(() => Number.POSITIVE_INFINITY);
  const process = archive.process();
  const late = (await process.restores.restores.read(group, restoreId))?.record;
  if (!late) throw new Error('no record');
  const term = await leadershipOf(group);
  const [job] = (await process.jobs.room.jobs.list(group, undefined, 1_000)).items as Job[];
  const active = job && job.state === 'ACTIVE' ? job : undefined;
  if (active) await process.jobs.room.checkpoints.claim(active, term.fencingVersion);
  const before = await contentOf(group);
  const stale = {
    ...process.restores,
    restores: {
      ...process.restores.restores,
      read: async () => ({
        revision: 1,
        record: { ...late, state: 'RESTORING' as const, file: 0, logs: [], openLog: undefined, restoredEntries: 0 },
      }),
      replace: async () => undefined,
    },
  };
  const outcome = await stepRestore(stale, group, restoreId, 300).catch((error: Error) => error);
  expect(outcome).toBeDefined();
  expect(await contentOf(group)).toEqual(before);
  expect(await leaseTable(world.other, world.table).read(group, true)).toMatchObject({
    fencingVersion: term.fencingVersion,
  });
  for (const log of logNames) {
    for (const { inForce } of logs.of(group, log).replicas) expect(inForce.status).toBe('VOTING');
  }
});
