/**
 * The state lock: holds appends of a log back while a backup fixes its cut. Fills and learns continue, and no writer is
 * demoted. Design: docs/design/backups.md, "The cut".
 */
import type { LogParts } from './log.ts';
import { ask, isQuorum } from './quorum.ts';
import type { Lock, Meta, MetaOutcome } from './replica.ts';

export interface Cut {
  readonly lockId: string;
  /** The last position of the log at the moment of the lock; settle everything up to it before reading. */
  readonly end: number;
  /** The replicas that hold the lock. */
  readonly locked: readonly string[];
}

/**
 * Locks a quorum. The cut is the highest `end` that these very updates answered. Undefined when a quorum could not be
 * locked, because another lock exists or too few replicas vote: what was locked is unlocked again.
 */
export async function lockAll(parts: LogParts, lockId: string): Promise<Cut | undefined> {
  const { replicas, timer, settings } = parts;
  const at = timer.now();
  const metas = await ask(
    replicas.map((replica) => () => replica.read()),
    { enough: (soFar) => isQuorum(parts, soFar, votes), graceMs: 50, ms: settings.answerMs, timer },
  );
  const answers = await ask(
    replicas.map((replica, index) => () => {
      const meta = metas[index];
      return meta && votes(meta) ? replica.lock({ lockId, at, view: meta.view, turn: meta.lockTurn }) : undefined;
    }),
    { enough: (soFar) => isQuorum(parts, soFar, ({ changed }) => changed), graceMs: 50, ms: settings.answerMs, timer },
  );
  const locked = replicas.filter((_, index) => answers[index]?.changed);
  if (!isQuorum(parts, answers, ({ changed }) => changed)) {
    await unlockAll(parts, lockId);
    return undefined;
  }
  const ends = answers.flatMap((answer) => (answer?.changed ? [answer.meta.end] : []));
  return { lockId, end: Math.max(...ends), locked: locked.map(({ id }) => id) };
}

/** Whether every replica of the cut still holds the lock: only then is the cut one moment of the log. */
export async function holds(parts: LogParts, cut: Cut): Promise<boolean> {
  const metas = await readLocked(parts, cut);
  return metas.every((meta) => meta?.status === 'VOTING' && meta.lock?.lockId === cut.lockId);
}

/**
 * Whether the log still ends where it was locked. A replica that the lock did not reach takes entries, and a fill may
 * bring one of them to those that are locked: then it counts as chosen, and what follows from it may stand in another
 * log already.
 */
export async function endsThere(parts: LogParts, cut: Cut): Promise<boolean> {
  const metas = await readLocked(parts, cut);
  return metas.every((meta) => meta !== undefined && meta.end <= cut.end);
}

function readLocked(parts: LogParts, { locked }: Cut) {
  const { replicas, timer, settings } = parts;
  const asked = replicas.filter(({ id }) => locked.includes(id));
  return ask(
    asked.map((replica) => () => replica.read()),
    { enough: () => false, ms: settings.answerMs, timer },
  );
}

/** Whether the backup that set the lock has had time enough for its cut, and must have died. */
export function isForgotten({ timer, settings }: LogParts, lock: Lock): boolean {
  return timer.now() - lock.at > settings.lockMs;
}

/**
 * Removes what the sweep finds of cuts whose lock came late or whose unlock got lost: on a minority no append would
 * meet it.
 */
export async function unlockForgotten(parts: LogParts, locks: readonly Lock[]): Promise<void> {
  const forgotten = locks.filter((lock) => isForgotten(parts, lock));
  for (const lockId of new Set(forgotten.map((lock) => lock.lockId))) await unlockAll(parts, lockId);
}

/** Removes this lock wherever it is, and keeps it from where it has yet to arrive; another one stays. */
export async function unlockAll(parts: LogParts, lockId: string): Promise<void> {
  const { replicas, timer, settings } = parts;
  await ask<MetaOutcome>(
    replicas.map((replica) => () => replica.unlock(lockId)),
    { enough: () => false, ms: settings.answerMs, timer },
  );
}

function votes({ status }: Meta): boolean {
  return status === 'VOTING';
}
