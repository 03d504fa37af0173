/** The state lock on jobs, over the items of the main table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { ProblemError } from '../../api/problem.ts';
import { stateLocked } from '../../api/problems/log.ts';
import { leadershipKey } from '../../leadership/keys.ts';
import type { Clock } from '../../store/clock.ts';
import { equals, exists } from '../../store/condition.ts';
import type { Item, Key } from '../../store/item.ts';
import { type ItemStore, type Written, winnerAt } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import { remove, set } from '../../store/update.ts';
import { update } from '../../store/write.ts';
import type { JobName } from './job.ts';
import { jobKey } from './keys.ts';
import type { StateLock, StateLocks } from './state-locks.ts';

/** Binds the port to the main table. */
export const stateLocksTable = (client: DynamoDBDocumentClient, table: string): StateLocks =>
  new StateLocksTable(new ItemTable(client, table));

class StateLocksTable implements StateLocks {
  readonly #items: ItemStore;

  constructor(items: ItemStore) {
    this.#items = items;
  }

  lockJob({ group, jobId }: JobName, lock: StateLock): Promise<void> {
    return this.#lock(jobKey(group, jobId), lock);
  }

  unlockJob({ group, jobId }: JobName, lockId: string): Promise<void> {
    return unlock(this.#items, jobKey(group, jobId), lockId);
  }

  lockSubmissions(group: string, lock: StateLock): Promise<void> {
    return this.#lock(leadershipKey(group), lock);
  }

  unlockSubmissions(group: string, lockId: string): Promise<void> {
    return unlock(this.#items, leadershipKey(group), lockId);
  }

  async #lock(key: Key, lock: StateLock): Promise<void> {
    await this.#items.write([update(key, set('stateLock', lock), exists('pk'))]);
  }
}

async function unlock(items: ItemStore, key: Key, lockId: string): Promise<void> {
  await items.write([update(key, remove('stateLock'), equals('stateLock.lockId', lockId))]);
}

const tries = 3;

export interface Guarded {
  readonly items: ItemStore;
  /** Of the item that comes first in the write. */
  readonly key: Key;
  readonly clock: Clock;
}

/**
 * Carries out a conditional write, unless a backup holds its first item back: then throws `state_locked`. A lock that
 * its cut has forgotten is removed, and the write tried again.
 */
export async function writePastStateLock(
  { items, key, clock }: Guarded,
  write: () => Promise<Written>,
): Promise<Written> {
  for (let attempt = 1; attempt < tries; attempt += 1) {
    const written = await write();
    const lock = lockIn(written);
    if (!lock) return written;
    if (clock.now() - lock.at <= lock.forMs) throw heldBack(lock);
    await unlock(items, key, lock.lockId);
  }
  const written = await write();
  const lock = lockIn(written);
  if (lock) throw heldBack(lock);
  return written;
}

function lockIn(written: Written): StateLock | undefined {
  const winner: Item | undefined = written.kind === 'refused' ? winnerAt(written.refusals, 0) : undefined;
  const { lockId, at, forMs } = (winner?.['stateLock'] ?? {}) as Record<keyof StateLock, unknown>;
  return typeof lockId === 'string' ? { lockId, at: Number(at) || 0, forMs: Number(forMs) || 0 } : undefined;
}

function heldBack({ lockId }: StateLock): ProblemError {
  const detail = `Lock ${lockId} of a backup holds back writes to jobs; repeat the request.`;
  return new ProblemError(stateLocked, detail, { retryAfterMs: 50 + Math.round(Math.random() * 100) });
}
