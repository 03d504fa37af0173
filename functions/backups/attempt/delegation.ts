/**
 * Finding a worker for a backup, one task of the workflow for each function here:
 *
 *   choose → suspend → (cut) → offer → run
 *      ↑        ↓                ↓
 *      └──── passOver ←──────────┘   refused, silent, gone
 *
 * Every function may be called again with the same input: Step Functions repeats a call whose answer it lost.
 */
import { randomBytes } from 'node:crypto';
import { retryConflicts } from '../../../store/retry-conflicts.ts';
import { type BackupRecord, enterState, isFinal } from '../backup.ts';
import type { AttemptName, BackupName } from '../backup-store.ts';
import type { Backups, WithBucket } from '../backups.ts';
import { attemptUri, type PlacedAttempt } from '../bucket/archive-place.ts';

import { endBackup, getOrThrow, mostTries, updateBackup } from '../records.ts';
import { targetOf } from '../target.ts';
import { candidates, type Demand } from '../worker/candidates.ts';
import type { Command } from '../worker/worker-store.ts';
import { hashSecret } from './attempts.ts';
import { refused, type StateError, WorkflowError } from './workflow-error.ts';

export type Chosen = { readonly next: 'suspend' | 'cut' | 'ended'; readonly attempt: number };

/**
 * Gives the backup to the next candidate, as a new attempt; with none left to the built-in worker if allowed, else it
 * fails.
 */
export async function choose(room: Backups, name: BackupName): Promise<Chosen> {
  return retryConflicts<Chosen>({ tries: mostTries, of: `backup ${name.backupId}` }, async () => {
    const stored = await getOrThrow(room, name);
    const { record } = stored;
    if (isFinal(record)) return { kind: 'done', value: { next: 'ended', attempt: record.attempt } };
    const { bypassDelegation, allowLeader } = record.options;
    const judged = bypassDelegation ? [] : candidates(await room.workers.list(name.group), demandOf(room, record));
    const worker = judged.find(({ chosen }) => chosen)?.worker;
    if (!worker && !bypassDelegation && !allowLeader) {
      await endBackup(room, name, { code: 'no_worker_accepted', message: everyReason(record, judged) });
      return { kind: 'done', value: { next: 'ended', attempt: record.attempt } };
    }
    const { worker: id, host } = worker ?? { worker: 'built-in', host: 'lambda' };
    const instanceId = worker?.instanceId;
    const given = {
      ...withNewAttempt(record, room.clock.now()),
      worker: id,
      host,
      instanceId,
      builtIn: worker === undefined,
    };
    if (!(await room.store.replace(stored, given))) return { kind: 'conflict' };
    return { kind: 'done', value: { next: worker ? 'suspend' : 'cut', attempt: given.attempt } };
  });
}

/** Requirements of a worker for the backup. */
export function demandOf({ clock, settings }: Backups, wanted: Pick<BackupRecord, 'options' | 'refusals'>): Demand {
  const { options, refusals } = wanted;
  const { abandonTimeoutMs } = settings;
  const target = targetOf(options);
  const folder = target.kind === 'folder' ? target.folder : undefined;
  return { refusals, onOwnDisk: options.localFileSystem, folder, now: clock.now(), abandonTimeoutMs };
}

/** The record with a new attempt that nobody has worked on; what older ones report no longer counts. */
function withNewAttempt(record: BackupRecord, now: number): BackupRecord {
  return {
    ...enterState(record, 'INITIATING', now),
    attempt: record.attempt + 1,
    attemptAt: now,
    secretHash: undefined,
    taskToken: undefined,
    gaveUp: undefined,
    failedCuts: undefined,
    cut: undefined,
    contents: undefined,
    served: undefined,
    pausedMs: undefined,
    sequence: 0,
    entryCount: 0,
    bytes: 0,
    lastSignAt: now,
  };
}

function everyReason({ refusals }: BackupRecord, judged: ReturnType<typeof candidates>): string {
  const lost = judged.filter(({ worker }) => !refusals.some((refusal) => refusal.worker === worker.worker));
  const reasons = [
    ...refusals.map(({ worker, reason }) => `${worker}: ${reason}`),
    ...lost.map(({ worker, why }) => `${worker.worker}: ${why}`),
  ];
  return `No worker accepted the backup (${reasons.join('; ') || 'none is registered'}); start one, or send allowLeader.`;
}

export interface Asked extends AttemptName {
  readonly taskToken: string;
}

/** Tells the attempt's worker to pin its position; its answer completes the task. */
export async function suspend(room: Backups, asked: Asked): Promise<void> {
  const record = await getCurrent(room, asked);
  await post(room, record, asked.taskToken, {
    type: 'suspend',
    commandId: commandIds(asked).suspend,
    backupId: asked.backupId,
    attempt: asked.attempt,
    suspendTimeoutMs: room.settings.suspendTimeoutMs,
  });
}

/** Offers the backup with its cut to the suspended worker; its answer completes the task. */
export async function offer(room: WithBucket, asked: Asked): Promise<void> {
  const { group, backupId, attempt } = asked;
  const { worker = '', cut } = await getCurrent(room, asked);
  if (!cut) throw new Error(`Backup ${backupId} of group "${group}" is offered without a cut`);
  const commandId = commandIds(asked).offer;
  const attemptSecret = await secretOf(room, group, worker, commandId);
  const secretHash = hashSecret(attemptSecret);
  const record = await updateBackup(room, asked, (seen) => (isCurrent(seen, asked) ? { ...seen, secretHash } : seen));
  await post(room, record, asked.taskToken, {
    type: 'backup',
    commandId,
    backupId,
    attempt,
    attemptSecret,
    cut,
    target: writtenTo(room.bucket, { ...asked, options: record.options }),
    heartbeatMs: Math.min(10_000, Math.floor((record.timeouts.abandonSeconds * 1000) / 3)),
  });
}

function writtenTo(bucket: string, attempt: PlacedAttempt): Extract<Command, { type: 'backup' }>['target'] {
  if (!attempt.options.localFileSystem) return { type: 's3', prefix: attemptUri(bucket, attempt) };
  const target = targetOf(attempt.options);
  return target.kind === 'folder' ? { type: 'file', folder: target.folder } : { type: 'file' };
}

/** A worker that has read an earlier offer of this attempt holds its secret already. */
async function secretOf({ workers }: Backups, group: string, worker: string, commandId: string): Promise<string> {
  const earlier = await workers.posted(group, worker, commandId);
  return earlier?.command.type === 'backup' ? earlier.command.attemptSecret : randomBytes(24).toString('base64url');
}

/** From now on heartbeats keep the task alive, and the attempt's end completes it, unless that has come already. */
export async function run(room: Backups, asked: Asked): Promise<void> {
  const record = await updateBackup(room, asked, (seen) => {
    if (!isCurrent(seen, asked) || seen.state === 'VERIFYING' || seen.gaveUp) return seen;
    const now = room.clock.now();
    return { ...enterState(seen, 'TRANSITIONING', now), taskToken: asked.taskToken, lastSignAt: now };
  });
  if (!isCurrent(record, asked)) throw superseded(asked);
  if (record.state === 'VERIFYING') throw new WorkflowError('AlreadyFinished', 'The worker has finished already');
  if (record.gaveUp) throw new WorkflowError('GaveUp', record.gaveUp.message);
}

/**
 * Records why the attempt's worker did not take the backup, lets it resume, and leaves the choice to the next round.
 */
export async function passOver(room: Backups, name: AttemptName, error: StateError): Promise<void> {
  const { worker = '' } = await updateBackup(room, name, (seen) => {
    if (!isCurrent(seen, name) || seen.builtIn) return seen;
    return withoutAttempt(seen, reasonOf(error, room.settings.answerTimeoutMs), room.clock.now());
  });
  if (isSilence(error)) await room.workers.silent(name.group, worker, room.clock.now());
  await release(room, name, worker);
}

/** Whether the worker let the workflow wait in vain. */
export const isSilence = ({ Error: name }: StateError): boolean =>
  name === 'States.Timeout' || name === 'States.HeartbeatTimeout';

/**
 * The record after its attempt ended for this reason: the attempt no longer counts, and its worker is not asked again.
 */
export function withoutAttempt(record: BackupRecord, reason: string, now: number): BackupRecord {
  const { worker = '', refusals } = record;
  if (refusals.some((refusal) => refusal.worker === worker)) return record;
  return { ...record, secretHash: undefined, refusals: [...refusals, { worker, reason }], lastSignAt: now };
}

/** Takes the attempt's commands out of the mailbox; a worker that was suspended for it may resume. */
export async function release(room: Backups, name: AttemptName, worker: string): Promise<void> {
  const { workers, clock, settings } = room;
  const ids = commandIds(name);
  await workers.withdraw(name.group, worker, ids.suspend, clock.now());
  await workers.withdraw(name.group, worker, ids.offer, clock.now());
  if (!(await workers.find(name.group, worker))) return;
  const { backupId, attempt } = name;
  await workers.post(name.group, worker, {
    command: { type: 'cancel', commandId: ids.cancel, backupId, attempt },
    expiresAt: clock.now() + settings.suspendTimeoutMs,
  });
}

function reasonOf(error: StateError, answerTimeoutMs: number): string {
  if (isSilence(error)) return `did not answer within ${answerTimeoutMs} ms`;
  return refused(error.Error, error.Cause);
}

export const commandIds = ({ backupId, attempt }: AttemptName) => ({
  suspend: `${backupId}.${attempt}.suspend`,
  offer: `${backupId}.${attempt}.backup`,
  cancel: `${backupId}.${attempt}.cancel`,
  discard: `${backupId}.${attempt}.discard`,
});

/**
 * A goodbye removes the worker, and a restart replaces its instance, before either looks for commands of the worker: a
 * task that posts first and then looks for the instance misses neither.
 */
async function post(room: Backups, record: BackupRecord, taskToken: string, command: Command) {
  const { group, worker = '', instanceId } = record;
  const expiresAt = room.clock.now() + room.settings.answerTimeoutMs;
  await room.workers.post(group, worker, { command, taskToken, expiresAt });
  const found = await room.workers.find(group, worker);
  if (!found) throw new WorkflowError('WorkerLost', 'said goodbye');
  if (found.instanceId !== instanceId) throw new WorkflowError('WorkerLost', 'was restarted');
}

/** Whether the attempt is the current one of a backup in progress. */
export const isCurrent = (record: BackupRecord, { attempt }: AttemptName): boolean =>
  !isFinal(record) && record.attempt === attempt;

/** The record of an attempt that counts; ends the task otherwise. */
export async function getCurrent(room: Backups, name: AttemptName): Promise<BackupRecord> {
  const stored = await room.store.read(name.group, name.backupId);
  if (stored && isCurrent(stored.record, name)) return stored.record;
  throw superseded(name);
}

function superseded({ attempt, backupId }: AttemptName): WorkflowError {
  return new WorkflowError('Superseded', `Attempt ${attempt} of backup ${backupId} no longer counts`);
}
