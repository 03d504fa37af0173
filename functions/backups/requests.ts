/** Requests about backups: take one, explain who would take it, cancel it, show it. */
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { invalidRequest, limitReached, ProblemError } from '../../api/problem.ts';
import { backupFailed, backupFinal, backupInProgress, backupRunning, noWorker } from '../../api/problems/backups.ts';
import { retryConflicts } from '../../store/retry-conflicts.ts';
import { logger } from '../platform/logging.ts';
import { commandIds, demandOf } from './attempt/delegation.ts';
import { wholeSeconds } from './attempt/workflow.ts';
import { type BackupOptions, type BackupRecord, begunRecord, isFinal } from './backup.ts';
import type { BackupName, Begun } from './backup-store.ts';
import type { Backups, WithArchives, WithCutter, WithWorkflow } from './backups.ts';
import { cancelled, endBackup, getOrThrow, mostTries, updateBackup } from './records.ts';
import { settledOptions } from './target.ts';
import { type Candidate, candidates } from './worker/candidates.ts';

export interface Request {
  readonly group: string;
  readonly options: BackupOptions;
  readonly requestId: string;
  /** Given by the schedule, which derives it from the group and the slot. */
  readonly backupId?: string;
  readonly slot?: number;
}

/**
 * Begins a backup and starts its workflow. The same request again gets the same backup, whatever became of it. Throws
 * `backup_in_progress` with the running one's id, `no_worker` when nobody could take it.
 */
export async function begin(
  room: WithWorkflow,
  { group, options: wished, requestId, backupId = uuidv7(), slot }: Request,
): Promise<BackupRecord> {
  const { clock, settings } = room;
  const options = settledOptions(settings, wished);
  const now = clock.now();
  if (!options.bypassDelegation && !options.allowLeader) {
    const judged = candidates(await room.workers.list(group), demandOf(room, { options, refusals: [] }));
    if (!judged.some(({ chosen }) => chosen) && !(await begunBy(room, group, requestId))) {
      throw noneFor(group, judged);
    }
  }
  const timeouts = {
    answerSeconds: wholeSeconds(settings.answerTimeoutMs),
    abandonSeconds: wholeSeconds(settings.abandonTimeoutMs),
    runSeconds: wholeSeconds(settings.attemptTimeoutMs),
    cutPauseSeconds: wholeSeconds(settings.cutPauseMs),
  };
  await refuseTooMany(room, group, requestId);
  const record = begunRecord({ group, backupId, requestId, options, timeouts, slot }, now);
  const begun = await room.store.begin(record);
  const found = await begunRecordOf(room, group, begun);
  if (found.state === 'INITIATING') await launch(room, found);
  return found;
}

/** Throws `backup_in_progress`. */
async function begunRecordOf(room: Backups, group: string, begun: Begun): Promise<BackupRecord> {
  switch (begun.kind) {
    case 'begun':
      return begun.stored.record;
    case 'earlier':
      return (await getOrThrow(room, { group, backupId: begun.backupId })).record;
    case 'running': {
      const { backupId } = begun;
      const detail = `Group "${group}" has backup ${backupId} in progress; wait for it or cancel it.`;
      throw new ProblemError(backupInProgress, detail, { backupId });
    }
    default:
      return begun satisfies never;
  }
}

function noneFor(group: string, judged: readonly Candidate[]): ProblemError {
  const [first] = judged;
  const workers = judged.length === 1 ? 'The only worker' : `None of the ${judged.length} workers`;
  const why = first
    ? `${workers} of group "${group}" can${judged.length === 1 ? 'not' : ''} take the backup ("${first.worker.worker}" ${first.why})`
    : `Group "${group}" has no worker`;
  return new ProblemError(noWorker, `${why}; run \`tenure worker --group ${group}\`, or send allowLeader.`);
}

async function refuseTooMany(room: Backups, group: string, requestId: string): Promise<void> {
  const { mostBackups } = room.settings;
  if ((await room.store.count(group, mostBackups)) < mostBackups || (await begunBy(room, group, requestId))) return;
  throw new ProblemError(
    limitReached,
    `Group "${group}" keeps ${mostBackups} backups, as many as it may (TENURE_MOST_BACKUPS); delete old ones, or set a policy that does.`,
    { limit: mostBackups, of: 'backups' },
  );
}

async function begunBy({ store }: Backups, group: string, requestId: string): Promise<boolean> {
  return (await store.begunBy(group, requestId)) !== undefined;
}

/** Starts the workflow of a backup unless it runs; `ended` when it ran once and does not any more. */
export function launch({ workflow }: Pick<WithWorkflow, 'workflow'>, { group, backupId, timeouts }: BackupRecord) {
  return workflow.start({ group, backupId, ...timeouts });
}

/** Waits until the backup has ended or the time is over, and answers the status as it is then. */
export async function waitForEnd(room: Backups, record: BackupRecord, waitMs: number): Promise<BackupRecord> {
  const until = room.clock.now() + waitMs;
  let current = record;
  while (!isFinal(current) && room.clock.now() < until) {
    await pause(Math.min(500, Math.max(0, until - room.clock.now())));
    current = (await getOrThrow(room, record)).record;
  }
  return current;
}

/** The backup, for a caller that waited for its end. Throws `backup_failed` with the code that it failed with. */
export function refuseFailed(record: BackupRecord): BackupRecord {
  const { group, backupId, state, error } = record;
  if (state !== 'FAILED') return record;
  const { code = 'internal', message = 'it gave no reason' } = error ?? {};
  throw new ProblemError(backupFailed, `Backup ${backupId} of group "${group}" failed with ${code}: ${message}`, {
    backupId,
    error: { code, message },
  });
}

/** Who would take a backup now, at which positions, and why. */
export async function explain(room: WithCutter, group: string, wished: BackupOptions) {
  const options = settledOptions(room.settings, wished);
  const [workers, positions] = await Promise.all([room.workers.list(group), room.cutter.positions(group)]);
  const judged = candidates(workers, demandOf(room, { options, refusals: [] })).map(
    ({ worker: { worker, host }, chosen, why }) => ({
      worker,
      host,
      chosen: chosen && !options.bypassDelegation,
      why,
    }),
  );
  const local = options.bypassDelegation || (options.allowLeader && !judged.some(({ chosen }) => chosen));
  const why = options.bypassDelegation ? 'bypassDelegation' : 'allowLeader, and no worker is present';
  const builtIn = { worker: 'built-in', host: 'lambda', chosen: true, why };
  return { explain: true as const, candidates: local ? [builtIn, ...judged] : judged, positions: { ...positions } };
}

/**
 * Ends a running backup; its worker hears `cancelled` at its next heartbeat, its workflow at once or when it next looks
 * at the record. Safe to repeat. Throws `not_found`, `backup_final`.
 */
export async function cancel(room: WithWorkflow, name: BackupName): Promise<BackupRecord> {
  const final = await endBackup(room, name, cancelled);
  if (final.error?.code !== cancelled.code) {
    throw new ProblemError(
      backupFinal,
      `Backup ${name.backupId} of group "${name.group}" has ended as ${final.state} already.`,
      { state: final.state },
    );
  }
  for (const token of await waitingTokens(room, final)) await room.workflow.fail(token, 'Superseded', 'cancelled');
  return final;
}

async function waitingTokens({ workers }: Backups, record: BackupRecord): Promise<string[]> {
  const { group, worker, taskToken, builtIn } = record;
  if (worker === undefined || builtIn) return [];
  const { suspend, offer } = commandIds(record);
  const posted = await Promise.all([suspend, offer].map((id) => workers.posted(group, worker, id)));
  return [taskToken, ...posted.map((command) => command?.taskToken)].flatMap((token) => token ?? []);
}

/** A thousand files that are being deleted have so long to go. */
export const discardMs = 10_000;

export interface Removal extends BackupName {
  /** The same request again, whose answer was lost, succeeds. */
  readonly requestId: string;
}

/**
 * Deletes a finished backup: its record, so that nobody takes for complete what has lost files, then its files, while
 * it may continue. The minute's sweep deletes those that are left. Safe to repeat under the same request id. Throws
 * `not_found`, `backup_running`.
 */
export async function remove(room: WithArchives, { requestId, ...name }: Removal, goOn = () => true): Promise<void> {
  const { group, backupId } = name;
  const record = await removeRecord(room, name, requestId);
  if (!record) return;
  if (record.uri?.startsWith('file:')) await discardOnDisk(room, record);
  await room.archives
    .discard({ group, backupId, target: record.options.target }, undefined, goOn)
    .catch((error: Error) => {
      logger.warn('Files of a deleted backup are left to the sweep', { group, backupId, error });
    });
}

/** A worker that is not there now finds out when it starts again. */
async function discardOnDisk({ workers, clock }: Backups, record: BackupRecord): Promise<void> {
  const { group, backupId, attempt, worker } = record;
  if (worker === undefined || !(await workers.find(group, worker))) return;
  await workers.post(group, worker, {
    command: { type: 'discard', commandId: commandIds(record).discard, backupId, attempt },
    expiresAt: clock.now() + discardOfferMs,
  });
}

const discardOfferMs = 3_600_000;

/** The record that was removed; undefined when this request has removed it before. */
async function removeRecord(
  room: WithArchives,
  name: BackupName,
  requestId: string,
): Promise<BackupRecord | undefined> {
  const { store, clock } = room;
  return retryConflicts<BackupRecord | undefined>({ tries: mostTries, of: `backup ${name.backupId}` }, async () => {
    const stored = await store.read(name.group, name.backupId);
    if (!stored && (await store.readRemoved(name.group, name.backupId))?.requestId === requestId) {
      return { kind: 'done', value: undefined };
    }
    const seen = stored ?? (await getOrThrow(room, name));
    const { state } = seen.record;
    if (!isFinal(seen.record)) {
      throw new ProblemError(
        backupRunning,
        `Backup ${name.backupId} of group "${name.group}" is ${state}; cancel it first, or wait.`,
        { state },
      );
    }
    const isRemoved = await store.remove(seen, clock.now(), requestId);
    return isRemoved ? { kind: 'done', value: seen.record } : { kind: 'conflict' };
  });
}

/** The record, which each heartbeat of the backup writes anew, has to hold them. */
const mostShares = 100;

/**
 * Lets another group restore the backup. Safe to repeat. Throws `not_found`; `invalid_request` when it is shared with
 * as many groups as it can be.
 */
export async function share(room: Backups, name: BackupName, group: string): Promise<readonly string[]> {
  const { sharedWith } = await updateBackup(room, name, (record) => {
    if (record.sharedWith.includes(group)) return record;
    if (record.sharedWith.length < mostShares) {
      return { ...record, sharedWith: [...record.sharedWith, group] };
    }
    const message = `is one more than the ${mostShares} groups with which backup ${name.backupId} is shared already`;
    const detail = `Group "${group}" ${message}; let them restore from a copy of it that restoreSources names.`;
    throw new ProblemError(invalidRequest, detail, { issues: [{ path: 'group', message }] });
  });
  return sharedWith;
}

/**
 * Takes it back: from then on no restore by that group begins. One that has begun continues. Safe to repeat. Throws
 * `not_found`.
 */
export async function unshare(room: Backups, name: BackupName, group: string): Promise<readonly string[]> {
  const { sharedWith } = await updateBackup(room, name, (record) => {
    if (!record.sharedWith.includes(group)) return record;
    return { ...record, sharedWith: record.sharedWith.filter((other) => other !== group) };
  });
  return sharedWith;
}
