/** The DynamoDB requests of the clean-up. Only finished jobs are in the index that it lists. */
import { type DynamoDBDocumentClient, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { groupsIndex, indexQuery } from '../../../leadership/keys.ts';
import { conditional } from '../../../store/conditional.ts';
import type { JobName } from '../job.ts';
import { checkpointSlots } from '../job-item.ts';
import { cleanUpPartition, jobCountKey, jobKey, jobPrefix } from '../keys.ts';
import { notStateLocked } from '../state-locks-table.ts';
import type { CleanUpStore } from './clean-up.ts';

export function cleanUpTable(client: DynamoDBDocumentClient, table: string): CleanUpStore {
  return {
    async listOwed(after, limit) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          ...indexQuery(table, cleanUpPartition),
          ...(after === undefined ? {} : { ExclusiveStartKey: JSON.parse(after) }),
          Limit: limit,
        }),
      );
      const items = Items.map((item) => ({
        group: String(item[groupsIndex.sortKey]),
        jobId: String(item['sk']).slice(jobPrefix.length),
      }));
      return { items, last: LastEvaluatedKey && JSON.stringify(LastEvaluatedKey) };
    },

    async cleaned(name, ttl) {
      const Update = cleanedUpdate(table, name, ttl);
      const oneLess = {
        TableName: table,
        Key: jobCountKey(name.group),
        UpdateExpression: 'SET #count = if_not_exists(#count, :one) - :one',
        ExpressionAttributeNames: { '#count': 'count' },
        ExpressionAttributeValues: { ':one': 1 },
      };
      const TransactItems = [{ Update }, { Update: oneLess }];
      await conditional(() => client.send(new TransactWriteCommand({ TransactItems })));
    },
  };
}

function cleanedUpdate(table: string, { group, jobId }: JobName, ttl: number | undefined) {
  return {
    TableName: table,
    Key: jobKey(group, jobId),
    UpdateExpression: [
      `SET #state = :cleaned, checkpoints = :none${ttl === undefined ? '' : ', #ttl = :ttl'}`,
      'REMOVE graph, #indexed, #group',
    ].join(' '),
    ConditionExpression: [
      '#state = :finished AND attribute_not_exists(heldBy) AND attribute_not_exists(cleanUp)',
      notStateLocked,
      ...(ttl === undefined ? [] : ['size(savepoints) = :zero']),
    ].join(' AND '),
    ExpressionAttributeNames: {
      '#state': 'state',
      '#indexed': groupsIndex.partitionKey,
      '#group': groupsIndex.sortKey,
      ...(ttl === undefined ? {} : { '#ttl': 'ttl' }),
    },
    ExpressionAttributeValues: {
      ':finished': 'FINISHED',
      ':cleaned': 'CLEANED',
      ':none': Array.from({ length: checkpointSlots }, () => null),
      ...(ttl === undefined ? {} : { ':ttl': ttl, ':zero': 0 }),
    },
  };
}
