/**
 * How an attempt, and with it the backup, ends: the workflow's tasks after the delegation. Each may be called again
 * with the same input.
 */

import type { Cut } from '../../../log/protocol/cut.ts';
import { type BackupRecord, type Failure, isFinal } from '../backup.ts';
import type { AttemptName, BackupName } from '../backup-store.ts';
import type { Backups, WithArchives, WithCutter } from '../backups.ts';
import type { GroupCutOutcome } from '../ports.ts';
import { endBackup, updateBackup } from '../records.ts';
import { beginVerification, withProgress } from './attempts.ts';
import { getCurrent, isCurrent, release, withoutAttempt } from './delegation.ts';
import { refused, type StateError, WorkflowError } from './workflow-error.ts';

/**
 * Fixes the cut of the attempt, anew with every call. `again` when the logs did not hold still: the worker is suspended
 * once more first. A worker whose position lies beyond the cut cannot take it any more: `Refused`.
 */
export async function cut(
  room: WithCutter,
  name: AttemptName,
  position: Cut = {},
): Promise<{ next: 'offer' | 'work' | 'again' | 'ended'; builtIn: boolean }> {
  await getCurrent(room, name);
  const taken = await room.cutter.cut(name);
  const now = room.clock.now();
  if (taken.kind === 'again') {
    const { failedCuts = 0, builtIn = false } = await updateBackup(room, name, (seen) =>
      isCurrent(seen, name) ? { ...seen, failedCuts: (seen.failedCuts ?? 0) + 1, lastSignAt: now } : seen,
    );
    if (failedCuts < room.settings.cutTries) return { next: 'again', builtIn };
    const message = `The logs could not be cut at one moment in ${failedCuts} tries; the last one: ${taken.again}`;
    await endBackup(room, name, { code: 'cut_failed', message });
    return { next: 'ended', builtIn };
  }
  const beyond = Object.entries(position).find(([log, at]) => at > (taken.cut[log] ?? 0));
  if (beyond) {
    const [log, at] = beyond;
    throw new WorkflowError(
      'Refused',
      `its position ${at} of log "${log}" lies beyond the cut at ${taken.cut[log] ?? 0}`,
    );
  }
  const { builtIn = false } = await updateBackup(room, name, (seen) =>
    isCurrent(seen, name) ? { ...seen, ...placedCut(taken), lastSignAt: now } : seen,
  );
  return { next: builtIn ? 'work' : 'offer', builtIn };
}

const placedCut = ({ cut, contents, pausedMs }: Extract<GroupCutOutcome, { kind: 'cut' }>) => ({
  cut,
  contents,
  pausedMs,
  served: undefined,
});

/** One slice of the built-in worker's attempt; none after its finish, which a repeated call must not write anew. */
export async function work(
  room: WithArchives,
  name: AttemptName,
  budgetMs: number,
): Promise<{ next: 'verify' | 'again' }> {
  const record = await getCurrent(room, name);
  if (record.state === 'VERIFYING') return { next: 'verify' };
  const { attemptAt = record.startedAt, timeouts } = record;
  if (room.clock.now() - attemptAt >= timeouts.runSeconds * 1_000) {
    throw new WorkflowError('AttemptTooLong', 'The attempt has reached its limit');
  }
  const { sequence } = record;
  let reports = 0;
  const answer = await room.archives.work(record, {
    budgetMs,
    report: async (progress) => {
      reports += 1;
      const report = { ...progress, sequence: sequence + reports };
      const seen = await updateBackup(room, name, (before) =>
        isCurrent(before, name) ? withProgress(before, report, room.clock.now()) : before,
      );
      if (isCurrent(seen, name)) return 'continue';
      return seen.error?.code === 'cancelled' ? 'cancelled' : 'superseded';
    },
  });
  if (answer.kind === 'more') return { next: 'again' };
  await updateBackup(room, name, (seen) =>
    isCurrent(seen, name) ? beginVerification(seen, answer.finished, room.clock.now()) : seen,
  );
  return { next: 'verify' };
}

/**
 * Ends an attempt that was accepted and did not finish: the backup goes to the next worker if it may be redelegated,
 * else it fails. A finish that was recorded just before counts.
 */
export async function lose(
  room: Backups,
  name: AttemptName,
  error: StateError,
): Promise<{ next: 'verify' | 'choose' | 'ended' }> {
  const finished = (record: BackupRecord) => isCurrent(record, name) && record.state === 'VERIFYING';
  const stored = await room.store.read(name.group, name.backupId);
  if (!stored || isFinal(stored.record)) return { next: 'ended' };
  const { record } = stored;
  const failure = failureOf(error, record);
  if (error.Error === 'States.HeartbeatTimeout' && record.worker !== undefined && !record.builtIn) {
    await room.workers.silent(name.group, record.worker, room.clock.now());
  }
  if (record.options.redelegate && !record.builtIn) {
    const seen = await updateBackup(room, name, (before) =>
      isCurrent(before, name) && !finished(before)
        ? withoutAttempt(before, `${failure.code}: ${failure.message}`, room.clock.now())
        : before,
    );
    return { next: isFinal(seen) ? 'ended' : finished(seen) ? 'verify' : 'choose' };
  }
  const ended = await endBackup(room, name, failure, finished);
  return { next: isFinal(ended) ? 'ended' : 'verify' };
}

function failureOf({ Error: error, Cause: cause }: StateError, record: BackupRecord): Failure {
  const { worker = 'unknown', attempt, sequence, gaveUp, timeouts, builtIn } = record;
  // A slice of the built-in worker that hung ends with States.Timeout; the task of another worker then has run as long
  // as it may.
  if (error === 'AttemptTooLong' || (error === 'States.Timeout' && !builtIn)) {
    const message = `Attempt ${attempt} of worker "${worker}" reached its limit of ${timeouts.runSeconds} s (the setting backupTimeouts, attemptMs); its last heartbeat was number ${sequence}`;
    return { code: 'backup_timed_out', message };
  }
  if (error === 'States.Timeout' || error === 'States.HeartbeatTimeout') {
    const message = `Worker "${worker}" sent no heartbeat for ${timeouts.abandonSeconds} s (attempt ${attempt}, last heartbeat ${sequence})`;
    return { code: 'backup_timed_out', message };
  }
  if (error === 'WorkerLost') return { code: 'worker_lost', message: `Worker "${worker}" ${refused(error, cause)}` };
  if (error === 'GaveUp' && gaveUp) return gaveUp;
  return { code: 'internal', message: refused(error, cause) };
}

/** Only this completes a backup: when every file is there and as the manifest says. */
export async function verify(
  room: WithArchives,
  name: AttemptName,
  cursor: string | undefined,
  budgetMs: number,
): Promise<{ next: 'again' | 'ended'; cursor: string }> {
  const stored = await room.store.read(name.group, name.backupId);
  if (!stored || !isCurrent(stored.record, name)) return { next: 'ended', cursor: '' };
  const seen = await room.archives.verify(stored.record, cursor || undefined, budgetMs);
  switch (seen.kind) {
    case 'more':
      await updateBackup(room, name, (before) =>
        isCurrent(before, name) ? { ...before, lastSignAt: room.clock.now() } : before,
      );
      return { next: 'again', cursor: seen.cursor };
    case 'damaged':
      await endBackup(room, name, { code: 'backup_damaged', message: seen.why });
      break;
    case 'intact': {
      const { entryCount, bytes } = seen;
      await updateBackup(room, name, (before) => (isCurrent(before, name) ? { ...before, entryCount, bytes } : before));
      await endBackup(room, name, 'COMPLETED');
      break;
    }
    default:
      seen satisfies never;
  }
  return { next: 'ended', cursor: '' };
}

/** Ends a backup whose workflow met something that it was not made for; one that was deleted meanwhile has ended. */
export async function fail(room: Backups, name: BackupName, error: StateError): Promise<void> {
  if (!(await room.store.read(name.group, name.backupId))) return;
  await endBackup(room, name, { code: 'internal', message: refused(error.Error, error.Cause) });
}

/**
 * Takes away what an ended backup leaves behind: what it held back, its worker's commands, the files of attempts that
 * failed; all files of one that was deleted before. Can be repeated. Throws `OutOfTimeError` once it may not continue.
 */
export async function cleanUp(
  room: WithCutter & WithArchives,
  { group, backupId }: BackupName,
  goOn = () => true,
): Promise<void> {
  const record = (await room.store.read(group, backupId))?.record;
  if (record && !isFinal(record)) return;
  await room.cutter.release(group, backupId);
  if (record) await discardFailed(room, record, goOn);
  else await room.archives.discard(await removedBackup(room, { group, backupId }), undefined, goOn);
  await room.store.cleanedUp({ group, backupId }, record ? 'there' : 'removed', room.clock.now());
}

const removedBackup = async ({ store }: Pick<Backups, 'store'>, name: BackupName) => ({
  ...name,
  target: await store.removedTarget(name),
});

async function discardFailed(room: WithArchives, record: BackupRecord, goOn: () => boolean): Promise<void> {
  const { group, backupId } = record;
  const kept = record.state === 'COMPLETED' ? record.attempt : undefined;
  if (record.worker !== undefined && !record.builtIn && kept === undefined) {
    await release(room, { group, backupId, attempt: record.attempt }, record.worker);
  }
  for (let attempt = 1; attempt <= record.attempt; attempt += 1) {
    if (attempt !== kept)
      await room.archives.discard({ group, backupId, target: record.options.target }, attempt, goOn);
  }
}
