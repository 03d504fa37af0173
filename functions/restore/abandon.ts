/**
 * Giving a group back that a restore has begun to fill: it is as empty as before, and may be led, used and restored
 * into again. Only its fencing version stays where the restore has raised it.
 */
import { ProblemError } from '../../api/problem.ts';
import { restoreCompleted } from '../../api/problems/backups.ts';
import type { GroupLogs } from '../../log/group-logs.ts';
import { eraseLog } from '../../log/protocol/erase.ts';
import { retryConflicts } from '../../store/retry-conflicts.ts';
import { OutOfTimeError } from '../backups/worker/built-in-worker.ts';
import { isOver, type Launching, mostTries, type Restores } from './restore.ts';
import type { RestoreRecord, StoredRestore } from './restore-store.ts';

/**
 * Abandons a restore in any state but COMPLETED; one that runs stops at its next note. An undoing whose execution has
 * ended gets another one. Undefined for an unknown restore. Safe to repeat. Throws `restore_completed`.
 */
export function abandon(room: Launching, group: string, restoreId: string): Promise<RestoreRecord | undefined> {
  return retryConflicts<RestoreRecord | undefined>({ tries: mostTries, of: `restore ${restoreId}` }, async () => {
    const stored = await room.restores.read(group, restoreId);
    if (!stored) return { kind: 'done', value: undefined };
    const record = await abandonOnce(room, stored);
    return record ? { kind: 'done', value: record } : { kind: 'conflict' };
  });
}

/** Undefined when the record has changed since it was read, or its execution has ended meanwhile. */
async function abandonOnce(room: Launching, stored: StoredRestore): Promise<RestoreRecord | undefined> {
  const { record } = stored;
  const { group, restoreId } = record;
  if (record.state === 'COMPLETED') {
    throw new ProblemError(
      restoreCompleted,
      `Restore ${restoreId} of group "${group}" has completed: the group is in use and nothing of it is undone.`,
    );
  }
  if (record.state === 'ABANDONED') return record;
  const undone = record.state === 'ABANDONING';
  if (undone && (await room.launch(record)) === 'running') return record;
  // The name of an execution that has ended is taken.
  const execution = record.execution + (undone || isOver(record) ? 1 : 0);
  const abandoned: RestoreRecord = { ...record, state: 'ABANDONING', execution, endedAt: undefined };
  const noted = await room.restores.replace(stored, abandoned);
  return noted && (await room.launch(abandoned)) === 'running' ? abandoned : undefined;
}

/**
 * One step of the undoing: logs, then jobs; the ownership ends with the answer. Throws `OutOfTimeError`; the next step
 * continues.
 */
export async function undo(room: Restores, record: RestoreRecord, until: number): Promise<RestoreRecord> {
  const { group, restoreId, heldAs = restoreId, logs } = record;
  const ended: RestoreRecord = { ...record, state: 'ABANDONED', endedAt: room.clock.now() };
  // It wrote nothing, or another restore has gone on with what it wrote.
  if ((await room.leases.read(group, true))?.restoring !== restoreId) return ended;
  const goOn = () => {
    if (room.clock.now() >= until) throw new OutOfTimeError();
  };
  for (const log of await room.logs.list(group)) {
    if (!logs.includes(log) && !(await isHeld(room.logs, group, log, heldAs))) continue;
    await eraseLog(await room.logs.open(group, log), heldAs, goOn);
    await room.logs.forget(group, log);
  }
  await eraseJobs(room, group, goOn);
  return { ...ended, endedAt: room.clock.now() };
}

/** One that this restore has only just created, too. */
async function isHeld(logs: GroupLogs, group: string, log: string, heldAs: string): Promise<boolean> {
  const { replicas } = await logs.open(group, log);
  const metas = await Promise.all(replicas.map((replica) => replica.read()));
  return metas.some((meta) => meta.restoreId === heldAs) || metas.every(({ status }) => status === 'EMPTY');
}

/** Their payloads are orphans then, which the collector deletes after a day. */
async function eraseJobs({ restores, clock }: Restores, group: string, goOn: () => void): Promise<void> {
  for (let jobIds = await restores.listJobs(group); jobIds.length > 0; jobIds = await restores.listJobs(group)) {
    goOn();
    await restores.removeJobs(group, jobIds, clock.now());
  }
}
