/** What a worker reports of its attempt, and what it is told. The record is written first; Step Functions hears of it afterwards. */
import { createHash } from 'node:crypto';
import { notFound, Problem } from '../platform/problem.ts';
import { type BackupRecord, type Cut, type Failure, isFinal, moved, type Verdict, verdictFor } from './backup.ts';
import type { Stored } from './backup-store.ts';
import type { Backups } from './room.ts';

export interface Attempt {
  readonly group: string;
  readonly backup: string;
  readonly attempt: number;
}

export interface Progress {
  readonly sequence: number;
  readonly state: 'TRANSITIONING' | 'RUNNING';
  readonly entryCount: number;
  readonly bytes: number;
  readonly position?: Cut | undefined;
}

export interface Finished {
  readonly uri: string;
  readonly entryCount: number;
  readonly bytes: number;
  readonly manifestSha256: string;
}

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/**
 * Takes a heartbeat of the current attempt with a rising sequence number into the record, then keeps the workflow's task
 * alive. A late heartbeat of an older attempt changes nothing and is told `superseded`.
 */
export async function heartbeat(room: Backups, attempt: Attempt, secret: string, progress: Progress): Promise<Verdict> {
  const { verdict, record } = await change(room, attempt, secret, (current) => {
    if (current.sequence >= progress.sequence || current.state === 'VERIFYING') return current;
    const { sequence, state, entryCount, bytes } = progress;
    return { ...moved(current, state, room.clock.now()), sequence, entryCount, bytes, lastSignAt: room.clock.now() };
  });
  if (verdict === 'continue' && record.taskToken !== undefined) await room.workflow.heartbeat(record.taskToken);
  return verdict;
}

/** Takes the worker's word that its files are in place; only the verification completes the backup. */
export async function finish(room: Backups, attempt: Attempt, secret: string, finished: Finished): Promise<Verdict> {
  const { verdict, record } = await change(room, attempt, secret, (current) => ({
    ...moved(current, 'VERIFYING', room.clock.now()),
    ...finished,
    lastSignAt: room.clock.now(),
  }));
  if (verdict === 'continue' && record.taskToken !== undefined) await room.workflow.succeed(record.taskToken, finished);
  return verdict;
}

/** Takes the worker's word that it cannot go on; the workflow then gives the backup to another worker or ends it. */
export async function fail(room: Backups, attempt: Attempt, secret: string, failure: Failure): Promise<Verdict> {
  const { verdict, record } = await change(room, attempt, secret, (current) => current);
  if (verdict === 'continue' && record.taskToken !== undefined) {
    await room.workflow.fail(record.taskToken, failure.code, failure.message);
  }
  return verdict;
}

async function change(
  { store }: Backups,
  { group, backup, attempt }: Attempt,
  secret: string,
  next: (record: BackupRecord) => BackupRecord,
): Promise<{ verdict: Verdict; record: BackupRecord }> {
  const secretHash = hashSecret(secret);
  for (;;) {
    const stored = await known(store, group, backup);
    const verdict = verdictFor(stored.record, { attempt, secretHash });
    if (verdict !== 'continue' || isFinal(stored.record)) return { verdict, record: stored.record };
    const record = next(stored.record);
    if (record === stored.record || (await store.replace(stored, record))) return { verdict, record };
  }
}

/** The backup, or `not_found`. */
export async function known(store: Backups['store'], group: string, backupId: string): Promise<Stored> {
  const stored = await store.read(group, backupId);
  if (stored) return stored;
  throw new Problem(notFound, `Group "${group}" has no backup ${backupId}; see the list of its backups.`);
}

/**
 * Ends a backup: of all who try to settle it exactly one wins, and what it wrote stays. Answers the record as it is then.
 */
export async function settle(
  room: Backups,
  group: string,
  backupId: string,
  outcome: Failure | 'COMPLETED',
): Promise<BackupRecord> {
  for (;;) {
    const stored = await known(room.store, group, backupId);
    if (isFinal(stored.record)) return stored.record;
    const ended = moved(stored.record, outcome === 'COMPLETED' ? 'COMPLETED' : 'FAILED', room.clock.now());
    const final = { ...ended, taskToken: undefined, ...(outcome === 'COMPLETED' ? {} : { error: outcome }) };
    if (!(await room.store.settle(stored, final))) continue;
    if (final.worker !== undefined) await room.workers.occupy(group, final.worker, undefined);
    return final;
  }
}
