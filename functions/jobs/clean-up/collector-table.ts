/** The DynamoDB requests of the orphan collector. */
import {
  BatchGetCommand,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { groupsIndex, indexQuery } from '../../../leadership/keys.ts';
import type { JobRecord } from '../job.ts';
import { toJob } from '../job-item.ts';
import { jobKey } from '../keys.ts';
import type { CollectorStore } from './collector.ts';

const placeKey = (group: string | undefined) => ({
  pk: 'COLLECTOR',
  sk: group === undefined ? 'PROGRESS' : `PLACE#${group}`,
});

export function collectorTable(client: DynamoDBDocumentClient, table: string): CollectorStore {
  return {
    async *groups() {
      for await (const { Items = [] } of paginateQuery({ client }, indexQuery(table, groupsIndex.partition))) {
        for (const item of Items) yield String(item[groupsIndex.sortKey]);
      }
    },

    async readJobs(names) {
      const records: JobRecord[] = [];
      for (let at = 0; at < names.length; at += 100) {
        let keys: Record<string, unknown>[] | undefined = names
          .slice(at, at + 100)
          .map(({ group, jobId }) => jobKey(group, jobId));
        while (keys && keys.length > 0) {
          const answer: BatchGetCommandOutput = await client.send(
            new BatchGetCommand({ RequestItems: { [table]: { Keys: keys, ConsistentRead: true } } }),
          );
          records.push(...(answer.Responses?.[table] ?? []).flatMap((item) => toJob(item) ?? []));
          keys = answer.UnprocessedKeys?.[table]?.Keys;
        }
      }
      return records;
    },

    async readPlace(group) {
      const { Item } = await client.send(new GetCommand({ TableName: table, Key: placeKey(group) }));
      return Item?.['after'] as string | undefined;
    },

    async writePlace(after, group) {
      await client.send(
        new UpdateCommand({
          TableName: table,
          Key: placeKey(group),
          UpdateExpression: after === undefined ? 'REMOVE #after' : 'SET #after = :after',
          ExpressionAttributeNames: { '#after': 'after' },
          ...(after === undefined ? {} : { ExpressionAttributeValues: { ':after': after } }),
        }),
      );
    },
  };
}
