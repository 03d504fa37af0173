/** The DynamoDB requests of the state lock on jobs. */
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { ProblemError } from '../../api/problem.ts';
import { stateLocked } from '../../api/problems/log.ts';
import { leadershipKey } from '../../leadership/keys.ts';
import type { Clock } from '../../store/clock.ts';
import { type Conditional, conditional, type Item } from '../../store/conditional.ts';
import { jobKey } from './keys.ts';
import type { StateLock, StateLocks } from './state-locks.ts';

/**
 * Part of the condition of every write to a job, and of a submission's on the leadership: it costs nothing while nobody
 * locks.
 */
export const notStateLocked = 'attribute_not_exists(stateLock)';

type Key = Record<string, string>;

/** Binds the port to the main table. */
export function stateLocksTable(client: DynamoDBDocumentClient, table: string): StateLocks {
  const lock = (Key: Key, stateLock: StateLock) =>
    conditional(() =>
      client.send(
        new UpdateCommand({
          TableName: table,
          Key,
          UpdateExpression: 'SET stateLock = :lock',
          ConditionExpression: 'attribute_exists(pk)',
          ExpressionAttributeValues: { ':lock': stateLock },
        }),
      ),
    );
  return {
    lockJob: async ({ group, jobId }, stateLock) => void (await lock(jobKey(group, jobId), stateLock)),
    unlockJob: ({ group, jobId }, lockId) => unlock(client, table, jobKey(group, jobId), lockId),
    lockSubmissions: async (group, stateLock) => void (await lock(leadershipKey(group), stateLock)),
    unlockSubmissions: (group, lockId) => unlock(client, table, leadershipKey(group), lockId),
  };
}

async function unlock(client: DynamoDBDocumentClient, table: string, Key: Key, lockId: string): Promise<void> {
  await conditional(() =>
    client.send(
      new UpdateCommand({
        TableName: table,
        Key,
        UpdateExpression: 'REMOVE stateLock',
        ConditionExpression: 'stateLock.lockId = :lock',
        ExpressionAttributeValues: { ':lock': lockId },
      }),
    ),
  );
}

const tries = 3;

export interface Guarded {
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
  /** Of the item that comes first in the write. */
  readonly Key: Key;
  readonly clock: Clock;
  /** A lock that is older has been forgotten. */
  readonly lockMs: number;
}

/**
 * Carries out a conditional write, unless a backup holds its item back: then throws `state_locked`. A lock that its cut
 * has forgotten is removed, and the write tried again.
 */
export async function pastStateLock<Won>(
  { client, table, Key, clock, lockMs }: Guarded,
  write: () => Promise<Conditional<Won>>,
): Promise<Conditional<Won>> {
  for (let attempt = 1; ; attempt += 1) {
    const written = await write();
    const lock = lockIn(written.lost?.find(({ at }) => at === 0)?.item);
    if (!lock) return written;
    if (attempt === tries || clock.now() - lock.at <= lockMs) throw heldBack(lock);
    await unlock(client, table, Key, lock.lockId);
  }
}

function lockIn(item: Item | undefined): StateLock | undefined {
  const { lockId, at } = (item?.['stateLock'] ?? {}) as { lockId?: unknown; at?: unknown };
  return typeof lockId === 'string' ? { lockId, at: Number(at) || 0 } : undefined;
}

function heldBack({ lockId }: StateLock): ProblemError {
  const detail = `Lock ${lockId} of a backup holds back writes to jobs; repeat the request.`;
  return new ProblemError(stateLocked, detail, { retryAfterMs: 50 + Math.round(Math.random() * 100) });
}
