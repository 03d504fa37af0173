/** The DynamoDB requests of the notes about replicas, in the main table: its stream tells of them. */
import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../../leadership/keys.ts';
import { conditional } from '../../store/conditional.ts';
import type { NotedReplica, ReplicaNotes } from '../replica-watch.ts';
import { replicaIn, replicaKey, replicaKeyPrefix } from './keys.ts';

export function replicaNotesTable(client: DynamoDBDocumentClient, table: string): ReplicaNotes {
  return {
    async read({ group, log }) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': replicaKeyPrefix(log) },
          ConsistentRead: true,
        }),
      );
      return new Map(Items.map((item) => [replicaIn(String(item['sk'])).replica, item as unknown as NotedReplica]));
    },

    async write({ group, log }, replica, seen, note) {
      await conditional(() =>
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...replicaKey(group, log, replica), ...note },
            ConditionExpression: seen ? 'since = :since' : 'attribute_not_exists(pk)',
            ...(seen ? { ExpressionAttributeValues: { ':since': seen.since } } : {}),
          }),
        ),
      );
    },
  };
}
