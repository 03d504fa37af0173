import type { CutterParts } from '../../../functions/backups/attempt/group-cut.ts';
import type { ArchiveBucket, Place } from '../../../functions/backups/bucket/archive-bucket.ts';
import type { HeldDeletes } from '../../../functions/jobs/payloads/held-deletes.ts';
import type { StateLocks } from '../../../functions/jobs/state-locks.ts';
import type { GroupLogs } from '../../../log/group-logs.ts';
import type { Hold } from '../../../log/protocol/sequencer.ts';
import type { MemorySequencer } from '../../support/log/memory-sequencer.ts';
import type { Process } from '../log/world.ts';
import { logNames, type Stage, settings } from './stage.ts';

/** Everything that a cut works with, as a process reaches it that dies at its n-th request. */
export function partsFor(stage: Stage, process: Process, fatal: number): CutterParts {
  let requests = 0;
  const step = () => {
    requests += 1;
    if (requests === fatal) {
      process.dead = true;
      stage.crashes += 1;
    }
  };
  const call = <Answer>(deliver: () => Answer) => {
    step();
    return stage.world.call(process, deliver);
  };
  const { jobs, objects } = stage;
  const holdOf = (log: string) => stage.logs.get(log)?.sequencer as MemorySequencer;
  const logs = {
    list: () => call(() => [...logNames]),
    open: async (_group, log) => stage.partsOf(process, log, step),
    hold: (_group, log, hold) =>
      call(() => {
        const sequencer = holdOf(log);
        if (sequencer.hold === undefined || sequencer.hold.backupId === hold.backupId) sequencer.hold = hold;
        return sequencer.hold as Hold;
      }),
    heldFrom: (_group, log, backupId) =>
      call(() => (holdOf(log).hold?.backupId === backupId ? holdOf(log).hold?.from : undefined)),
    release: (_group, log, backupId) =>
      call(() => {
        if (holdOf(log).hold?.backupId === backupId) holdOf(log).hold = undefined;
      }),
  } satisfies Partial<GroupLogs> as unknown as GroupLogs;
  const held = {
    hold: (_group, backupId) => call(() => jobs.hold(backupId)),
    heldBy: () => call(() => jobs.holder),
    holdJob: ({ jobId }, backupId) => call(() => jobs.holdJob(jobId, backupId)),
    releaseJob: ({ jobId }, backupId) => call(() => jobs.releaseJob(jobId, backupId)),
    listHeldJobs: (_group, backupId) => call(() => jobs.heldJobs(backupId)),
    listDeferred: () => call(() => ({ items: [] })),
    release: (_group, backupId) =>
      call(() => {
        if (jobs.holder === backupId) jobs.holder = undefined;
      }),
  } satisfies Partial<HeldDeletes> as unknown as HeldDeletes;
  const locks: StateLocks = {
    lockJob: ({ jobId }, lock) => call(() => void jobs.locks.set(jobId, lock)),
    unlockJob: ({ jobId }, lockId) =>
      call(() => {
        if (jobs.locks.get(jobId)?.lockId === lockId) jobs.locks.delete(jobId);
      }),
    lockSubmissions: (_group, lock) =>
      call(() => {
        jobs.submissions = lock;
        stage.heldBack += 1;
      }),
    unlockSubmissions: (_group, lockId) =>
      call(() => {
        if (jobs.submissions?.lockId === lockId) jobs.submissions = undefined;
      }),
  };
  const bucket = {
    put: ({ key }: Place, bytes: Uint8Array) => call(() => void objects.set(key, bytes)),
    open: ({ key }: Place) => call(() => [objects.get(key)] as unknown as AsyncIterable<Uint8Array>),
  } satisfies Partial<ArchiveBucket> as unknown as ArchiveBucket;
  const chance = stage.world.chanceOf();
  return {
    logs,
    held,
    locks,
    bucket,
    bucketName: 'bucket',
    jobs: { list: (_group, after) => call(() => jobs.list(after)) },
    leases: { read: () => call(() => undefined), highestVersion: () => call(() => 1) },
    store: { readRunning: () => call(() => stage.running) },
    payloads: { discard: async () => [] } as unknown as CutterParts['payloads'],
    clock: stage.world.timer(process),
    // Sometimes too short for its cut.
    lockMs: stage.dice.pick([settings.lockMs, settings.lockMs, 100]),
    newId: () => chance.id(),
  };
}
