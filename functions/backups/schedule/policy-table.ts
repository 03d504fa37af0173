/** The DynamoDB requests of backup policies. */
import { type DynamoDBDocumentClient, GetCommand, paginateQuery, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { groupsIndex, indexQuery } from '../../../leadership/keys.ts';
import { conditional } from '../../../store/conditional.ts';
import { policyKey, policyPartition } from '../keys.ts';
import type { Policy } from './policy.ts';
import type { PolicyStore, StoredPolicy } from './policy-store.ts';

const names = { '#policy': 'policy', '#partition': groupsIndex.partitionKey, '#group': groupsIndex.sortKey };

/** Binds the port to the main table. */
export function policyTable(client: DynamoDBDocumentClient, table: string): PolicyStore {
  const read = async (group: string): Promise<StoredPolicy | undefined> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: table, Key: policyKey(group), ConsistentRead: true }),
    );
    const policy = Item?.['policy'] as Policy | undefined;
    return policy && { group, policy, doneUntil: Number(Item?.['doneUntil']) };
  };

  return {
    read,

    async put({ group, policy, doneUntil }) {
      await client.send(
        new UpdateCommand({
          TableName: table,
          Key: policyKey(group),
          UpdateExpression: 'SET #policy = :policy, doneUntil = :done, #partition = :policies, #group = :group',
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: {
            ':policy': policy,
            ':done': doneUntil,
            ':policies': policyPartition,
            ':group': group,
          },
        }),
      );
    },

    async remove(group) {
      await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: policyKey(group),
            UpdateExpression: 'REMOVE #policy, doneUntil, #partition, #group',
            // A removal of what is not there would leave an empty item behind.
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeNames: names,
          }),
        ),
      );
    },

    async *list() {
      for await (const { Items = [] } of paginateQuery({ client }, indexQuery(table, policyPartition))) {
        const found = await mapConcurrent(Items, 16, (item) => read(String(item[groupsIndex.sortKey])));
        yield* found.flatMap((stored) => stored ?? []);
      }
    },

    async done(group, slot) {
      await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: policyKey(group),
            UpdateExpression: 'SET doneUntil = :slot',
            ConditionExpression: 'doneUntil < :slot',
            ExpressionAttributeValues: { ':slot': slot },
          }),
        ),
      );
    },
  };
}
