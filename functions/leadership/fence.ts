import type { Fence } from '../platform/headers.ts';
import { leadershipKey } from './keys.ts';

/**
 * The guard as a value: a ConditionCheck that other rooms put into their own transaction. It holds while the fence is that
 * of the running term and the lease is alive (`now` in epoch ms); else the transaction is cancelled and writes nothing.
 */
export function leadershipCondition(table: string, group: string, fence: Fence, now: number) {
  return {
    ConditionCheck: {
      TableName: table,
      Key: leadershipKey(group),
      ConditionExpression: 'fencingVersion = :version AND holder.sessionId = :session AND expiresAt > :now',
      ExpressionAttributeValues: { ':version': fence.fencingVersion, ':session': fence.sessionId, ':now': now },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    },
  };
}
