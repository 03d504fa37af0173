/**
 * A worker's reports on its attempt, and the verdicts. The record is written first; Step Functions is notified
 * afterwards.
 */
import { createHash } from 'node:crypto';
import { ProblemError } from '../../../api/problem.ts';
import { attemptSuperseded } from '../../../api/problems/backups.ts';
import {
  type AttemptProof,
  type BackupRecord,
  enterState,
  type Failure,
  type Finished,
  isFinal,
  leftFiles,
  type Progress,
  type Verdict,
  verdictFor,
} from '../backup.ts';
import type { AttemptName } from '../backup-store.ts';
import type { Backups, WithArchives, WithWorkflow } from '../backups.ts';

import { getOrThrow, updateBackup } from '../records.ts';

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/**
 * Takes a heartbeat of the current attempt with a rising sequence number into the record, then keeps the workflow's
 * task alive. A late heartbeat of an older attempt changes nothing and returns `superseded`.
 */
export async function heartbeat(
  room: WithWorkflow,
  name: AttemptName,
  secret: string,
  progress: Progress,
): Promise<Verdict> {
  const { verdict, record } = await updateAttempt(room, name, secret, (current) =>
    withProgress(current, progress, room.clock.now()),
  );
  if (verdict === 'continue' && record.taskToken !== undefined) await room.workflow.heartbeat(record.taskToken);
  return verdict;
}

/** The record with the attempt's progress; a lower sequence number, or one after the finish, changes nothing. */
export function withProgress(record: BackupRecord, progress: Progress, now: number): BackupRecord {
  const { sequence, state, entryCount, bytes } = progress;
  if (record.sequence >= sequence || record.state === 'VERIFYING') return record;
  return { ...enterState(record, state, now), sequence, entryCount, bytes, lastSignAt: now };
}

/**
 * Takes the worker's word that its files are in place; only the verification completes the backup. The files of an
 * attempt that no longer counts are deleted. Safe to repeat.
 */
export async function finish(
  room: WithWorkflow & WithArchives,
  name: AttemptName,
  secret: string,
  finished: Finished,
): Promise<Verdict> {
  const { verdict, record, proof } = await updateAttempt(room, name, secret, (current) => {
    const uri = current.options.localFileSystem ? finished.uri : room.archives.uri(current);
    return beginVerification(current, { ...finished, uri }, room.clock.now());
  });
  if (verdict === 'continue' && record.taskToken !== undefined) await room.workflow.succeed(record.taskToken, {});
  if (leftFiles(record, proof)) await room.archives.discard({ ...name, target: record.options.target }, name.attempt);
  return verdict;
}

/** Keeps the digest over all lines that an attempt was served, while it counts. */
export async function rememberServed(room: Pick<Backups, 'store'>, name: AttemptName, chain: string): Promise<void> {
  await updateBackup(room, name, (record) =>
    isFinal(record) || record.attempt !== name.attempt || record.served === chain
      ? record
      : { ...record, served: chain },
  );
}

/** The record once all files are in place; the first finish of an attempt counts. */
export function beginVerification(record: BackupRecord, finished: Finished, now: number): BackupRecord {
  if (record.state === 'VERIFYING') return record;
  return { ...enterState(record, 'VERIFYING', now), ...finished, lastSignAt: now };
}

/** Takes the worker's word that it cannot continue; the workflow then gives the backup to another worker or ends it. */
export async function giveUp(
  room: WithWorkflow,
  name: AttemptName,
  secret: string,
  failure: Failure,
): Promise<Verdict> {
  const { verdict, record } = await updateAttempt(room, name, secret, (current) =>
    current.gaveUp || current.state === 'VERIFYING' ? current : { ...current, gaveUp: failure },
  );
  if (verdict === 'continue' && record.taskToken !== undefined && record.gaveUp) {
    await room.workflow.fail(record.taskToken, 'GaveUp', record.gaveUp.message);
  }
  return verdict;
}

async function updateAttempt(
  room: Backups,
  name: AttemptName,
  secret: string,
  next: (record: BackupRecord) => BackupRecord,
): Promise<{ verdict: Verdict; record: BackupRecord; proof: AttemptProof }> {
  const proof = { attempt: name.attempt, secretHash: hashSecret(secret) };
  const record = await updateBackup(room, name, (current) =>
    isFinal(current) || verdictFor(current, proof) !== 'continue' ? current : next(current),
  );
  return { verdict: verdictFor(record, proof), record, proof };
}

/** The record for an attempt that still counts; `attempt_superseded` with the verdict otherwise. */
export async function requireCurrent(room: Backups, name: AttemptName, secret: string): Promise<BackupRecord> {
  const { record } = await getOrThrow(room, name);
  const verdict = verdictFor(record, { attempt: name.attempt, secretHash: hashSecret(secret) });
  if (verdict === 'continue' && !isFinal(record)) return record;
  throw new ProblemError(
    attemptSuperseded,
    `Attempt ${name.attempt} of backup ${name.backupId} no longer counts, the current one is ${record.attempt} (${record.state}); stop working on it.`,
    { verdict: verdict === 'continue' ? 'superseded' : verdict },
  );
}
