/** The minute's work for policies: backups that are due, and retention. */

import { ProblemError } from '../../../api/problem.ts';
import { backupInProgress } from '../../../api/problems/backups.ts';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { logger } from '../../platform/logging.ts';
import type { BackupOptions } from '../backup.ts';
import type { WithArchives, WithWorkflow } from '../backups.ts';
import { inTurn } from '../in-turn.ts';
import { begin } from '../requests.ts';
import { targetOf } from '../target.ts';
import { due, type Policy, slotBackupId } from './policy.ts';
import type { StoredPolicy } from './policy-store.ts';
import { retain, type WithPolicies } from './retention.ts';

type Room = WithWorkflow & WithArchives & WithPolicies;

/** Any available worker takes a scheduled backup; one to a folder needs a worker that keeps backups there. */
const optionsOf = ({ target }: Policy): BackupOptions => ({
  runAsync: true,
  allowLeader: targetOf({ target }).kind !== 'folder',
  bypassDelegation: false,
  localFileSystem: false,
  redelegate: true,
  explain: false,
  ...(target === undefined ? {} : { target }),
});

export interface Ticked {
  started: number;
  skipped: number;
  deleted: number;
  failed: number;
}

export const policiesAtOnce = 8;

/**
 * Follows every policy, then does what must not wait for deletions, then deletes what the policies no longer retain:
 * that may take any time, and continues with the next tick. A policy that fails holds up no other; the next tick tries
 * it again.
 */
export async function tick(
  room: Room,
  remainingMs: () => number,
  beforeRetention: () => Promise<void> = async () => undefined,
): Promise<Ticked> {
  const done: Ticked = { started: 0, skipped: 0, deleted: 0, failed: 0 };
  const each = (policies: StoredPolicy[], act: (stored: StoredPolicy) => Promise<void>) =>
    mapConcurrent(policies, policiesAtOnce, async (stored) => {
      try {
        await act(stored);
      } catch (error) {
        done.failed += 1;
        logger.error('A backup policy could not be followed', { group: stored.group, error: error as Error });
      }
    });
  const policies: StoredPolicy[] = [];
  for await (const stored of room.policies.list()) policies.push(stored);
  await each(policies, async (stored) => {
    const outcome = await follow(room, stored);
    if (outcome) done[outcome] += 1;
  });
  await beforeRetention();
  await each(inTurn(policies, room.clock.now()), async ({ group }) => {
    const deleted = await retain(room, group, remainingMs);
    done.deleted += deleted;
  });
  return done;
}

/**
 * Begins the backup that is due. The slot is noted afterwards: a tick that dies in between is followed by one that asks
 * for the same backup again, and gets it.
 */
async function follow(
  room: Room,
  { group, policy, doneUntil }: StoredPolicy,
): Promise<'started' | 'skipped' | undefined> {
  const wanted = due(policy, doneUntil, room.clock.now());
  if (!wanted) return undefined;
  if ('skip' in wanted) {
    logger.warn('A scheduled backup was missed', { group, slot: new Date(wanted.skip).toISOString() });
    await room.policies.done(group, wanted.skip);
    return 'skipped';
  }
  const slot = wanted.start;
  const backupId = slotBackupId(group, slot);
  try {
    await begin(room, { group, options: optionsOf(policy), requestId: `slot-${backupId}`, backupId, slot });
  } catch (error) {
    // Tried again with every tick until the slot has misfired.
    if (error instanceof ProblemError && error.kind === backupInProgress) return undefined;
    throw error;
  }
  await room.policies.done(group, slot);
  return 'started';
}
