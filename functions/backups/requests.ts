/** What a caller asks of backups: take one, explain who would take it, cancel it, show it. */
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { instant } from '../platform/clock.ts';
import { Problem } from '../platform/problem.ts';
import { known, settle } from './attempts.ts';
import { type BackupOptions, type BackupRecord, candidates, isFinal, isPresent } from './backup.ts';
import { backupFinal, backupInProgress, noWorker } from './problems.ts';
import type { Backups } from './room.ts';
import { runSeconds, wholeSeconds } from './workflow.ts';

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
  room: Backups,
  { group, options, requestId, backupId = uuidv7(), slot }: Request,
): Promise<BackupRecord> {
  const now = room.clock.now();
  if (!options.bypassDelegation && !options.allowLeader) {
    const workers = await room.workers.list(group);
    if (!workers.some((worker) => isPresent(worker, now)) && !(await begunBy(room, group, requestId))) {
      throw new Problem(
        noWorker,
        `Group "${group}" has ${workers.length} registered workers and none is present; start one or send allowLeader.`,
      );
    }
  }
  const record: BackupRecord = {
    group,
    backupId,
    requestId,
    options,
    state: 'INITIATING',
    attempt: 0,
    sequence: 0,
    lastSignAt: now,
    entryCount: 0,
    bytes: 0,
    startedAt: now,
    stateSince: now,
    phases: {},
    refusals: [],
    sharedWith: [],
    slot,
  };
  const begun = await room.store.begin(record);
  if ('running' in begun) {
    throw new Problem(
      backupInProgress,
      `Group "${group}" has backup ${begun.running} in progress; wait for it or cancel it.`,
      {
        backupId: begun.running,
      },
    );
  }
  if ('earlier' in begun) return (await known(room.store, group, begun.earlier)).record;
  await launch(room, group, backupId);
  return begun.begun.record;
}

async function begunBy({ store }: Backups, group: string, requestId: string): Promise<boolean> {
  return (await store.begunBy(group, requestId)) !== undefined;
}

/** Starts the workflow of a backup; safe to repeat. */
export async function launch({ workflow, settings }: Backups, group: string, backupId: string): Promise<void> {
  await workflow.start({
    group,
    backupId,
    answerSeconds: wholeSeconds(settings.answerTimeoutMs),
    abandonSeconds: wholeSeconds(settings.abandonTimeoutMs),
    runSeconds,
  });
}

/** Waits until the backup has ended or the time is over, and answers the status as it is then. */
export async function awaited(room: Backups, record: BackupRecord, waitMs: number): Promise<BackupRecord> {
  const until = room.clock.now() + waitMs;
  let current = record;
  while (!isFinal(current) && room.clock.now() < until) {
    await pause(Math.min(500, Math.max(0, until - room.clock.now())));
    current = (await known(room.store, record.group, record.backupId)).record;
  }
  return current;
}

/** Who would take a backup now, and why. */
export async function explain({ workers, clock }: Backups, group: string, options: BackupOptions) {
  const now = clock.now();
  const judged = candidates(await workers.list(group), [], now).map(({ worker, chosen, why }) => ({
    worker: worker.worker,
    host: worker.host,
    chosen: chosen && !options.bypassDelegation,
    why,
  }));
  const local = options.bypassDelegation || (options.allowLeader && !judged.some(({ chosen }) => chosen));
  const why = options.bypassDelegation ? 'bypassDelegation' : 'allowLeader, and no worker is present and idle';
  return local ? [{ worker: 'built-in', host: 'lambda', chosen: true, why }, ...judged] : judged;
}

/** Ends a running backup; its worker hears `cancelled` at its next heartbeat. Throws `not_found`, `backup_final`. */
export async function cancel(room: Backups, group: string, backupId: string): Promise<BackupRecord> {
  const { record } = await known(room.store, group, backupId);
  const final = isFinal(record)
    ? record
    : await settle(room, group, backupId, { code: 'cancelled', message: 'An operator cancelled the backup' });
  if (final.error?.code !== 'cancelled') {
    throw new Problem(backupFinal, `Backup ${backupId} of group "${group}" has ended as ${final.state} already.`, {
      state: final.state,
    });
  }
  await room.workflow.stop(backupId, 'cancelled');
  return final;
}

/** A backup as callers see it. */
export function shown(record: BackupRecord, now: number) {
  const {
    backupId,
    group,
    state,
    attempt,
    worker,
    host,
    uri,
    entryCount,
    bytes,
    startedAt,
    endedAt,
    cut,
    error,
    refusals,
    sharedWith,
  } = record;
  const running = isFinal(record)
    ? {}
    : { [state]: (record.phases[state] ?? 0) + Math.max(0, now - record.stateSince) };
  return {
    backupId,
    group,
    state,
    attempt,
    ...(worker === undefined ? {} : { worker }),
    ...(host === undefined ? {} : { host }),
    ...(uri === undefined ? {} : { uri }),
    entryCount,
    bytes,
    startedAt: instant(startedAt),
    ...(endedAt === undefined ? {} : { endedAt: instant(endedAt) }),
    phases: { ...record.phases, ...running },
    ...(cut === undefined ? {} : { cut: { ...cut } }),
    ...(error === undefined ? {} : { error }),
    refusals: [...refusals],
    ...(sharedWith.length === 0 ? {} : { sharedWith: [...sharedWith] }),
  };
}
