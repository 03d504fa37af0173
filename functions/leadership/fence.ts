import type { Fence } from '../../api/fence.ts';
import { leadershipKey } from './keys.ts';

/**
 * The guard as a value: a ConditionCheck that other rooms put into their own transaction. It holds while the fence is that
 * of the running term and the lease is alive (`now` in epoch ms); else the transaction is cancelled and writes nothing. It is
 * to be sent `once` and tried again `timely`: with a `now` of seconds ago a term could write that has ended meanwhile.
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
