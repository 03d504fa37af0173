/** The DynamoDB requests of restores. */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { floorKey, groupKey, groupsIndex, indexQuery, leadershipKey } from '../../leadership/keys.ts';
import { conditional } from '../../store/conditional.ts';
import { restoreKey } from '../backups/keys.ts';
import { goneItem, noJob, toItem, toJob } from '../jobs/job-item.ts';
import { jobPrefix } from '../jobs/keys.ts';
import { isOver } from './restore.ts';
import type { RestoreRecord, RestoreStore, StoredRestore } from './restore-store.ts';

const restoringPartition = 'RESTORE';
const restorePrefix = 'RESTORE#';
/** No restore has this id. */
const nobody = '-';
const noVersion = -1;

/** Binds the restore port to the main table. */
export function restoreTable(client: DynamoDBDocumentClient, table: string): RestoreStore {
  const itemOf = (record: RestoreRecord, revision: number) => {
    const indexed = { [groupsIndex.partitionKey]: restoringPartition, [groupsIndex.sortKey]: record.group };
    const key = restoreKey(record.group, record.restoreId);
    return { ...key, ...(isOver(record) ? {} : indexed), revision, record: JSON.stringify(record) };
  };
  const absent = { ConditionExpression: 'attribute_not_exists(pk)' };
  const put = async (Item: Record<string, unknown>, condition: object) => {
    const { won } = await conditional(() => client.send(new PutCommand({ TableName: table, Item, ...condition })));
    return won !== undefined;
  };

  const unchangedSince = (revision: number) => ({
    ConditionExpression: 'revision = :revision',
    ExpressionAttributeValues: { ':revision': revision },
  });
  const asSeen = ({ record, revision }: StoredRestore) => ({
    TableName: table,
    Key: restoreKey(record.group, record.restoreId),
    ...unchangedSince(revision),
  });
  const replace = async ({ revision }: StoredRestore, next: RestoreRecord): Promise<StoredRestore | undefined> => {
    const stored: StoredRestore = { record: next, revision: revision + 1 };
    return (await put(itemOf(next, stored.revision), unchangedSince(revision))) ? stored : undefined;
  };

  const jobsOf = async (group: string, limit: number): Promise<string[]> => {
    const jobIds: string[] = [];
    const query = {
      TableName: table,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': jobPrefix },
      ConsistentRead: true,
      Limit: 100,
    };
    for await (const { Items = [] } of paginateQuery({ client }, query)) {
      jobIds.push(...Items.flatMap((item) => toJob(item)?.jobId ?? []));
      if (jobIds.length >= limit) break;
    }
    return jobIds.slice(0, limit);
  };

  return {
    begin: (record) => put(itemOf(record, 1), absent),

    async read(group, restoreId) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: restoreKey(group, restoreId), ConsistentRead: true }),
      );
      return (
        Item && { record: JSON.parse(String(Item['record'])) as RestoreRecord, revision: Number(Item['revision']) }
      );
    },

    replace,

    async end(seen, last) {
      const { revision } = seen;
      const { group, restoreId } = last;
      const ended = { TableName: table, Item: itemOf(last, revision + 1), ...unchangedSince(revision) };
      const free = {
        TableName: table,
        Key: leadershipKey(group),
        UpdateExpression: 'REMOVE restoring',
        ConditionExpression: 'restoring = :mine',
        ExpressionAttributeValues: { ':mine': restoreId },
      };
      const { lost } = await conditional(() =>
        client.send(new TransactWriteCommand({ TransactItems: [{ Put: ended }, { Update: free }] })),
      );
      if (!lost) return { record: last, revision: revision + 1 };
      return lost.some(({ at }) => at === 0) ? undefined : replace(seen, last);
    },

    async listOpen() {
      const open: { group: string; restoreId: string }[] = [];
      for await (const { Items = [] } of paginateQuery({ client }, indexQuery(table, restoringPartition))) {
        for (const item of Items) {
          const restoreId = String(item['sk']).slice(restorePrefix.length);
          open.push({ group: String(item[groupsIndex.sortKey]), restoreId });
        }
      }
      return open;
    },

    hasJobs: async (group) => (await jobsOf(group, 1)).length > 0,
    listJobs: (group) => jobsOf(group, 100),

    async removeJobs(group, jobIds, now) {
      await mapConcurrent(jobIds, 16, (jobId) =>
        client.send(new PutCommand({ TableName: table, Item: goneItem(group, jobId, now) })),
      );
    },

    async own(group, restoreId, version, over) {
      const item = {
        ...leadershipKey(group),
        [groupsIndex.partitionKey]: groupsIndex.partition,
        [groupsIndex.sortKey]: group,
        fencingVersion: version,
        requestId: restoreId,
        restoring: restoreId,
      };
      const { won } = await conditional(() =>
        client.send(
          new TransactWriteCommand({
            TransactItems: [
              {
                Put: {
                  TableName: table,
                  Item: item,
                  // A leader of the group since another restore was abandoned has raised the version.
                  ConditionExpression: [
                    'attribute_not_exists(pk)',
                    'restoring IN (:mine, :over)',
                    '(requestId = :over AND fencingVersion = :left AND attribute_not_exists(restoring) AND attribute_not_exists(holder))',
                  ].join(' OR '),
                  ExpressionAttributeValues: {
                    ':mine': restoreId,
                    ':over': over?.record.restoreId ?? nobody,
                    ':left': over?.record.version ?? noVersion,
                  },
                },
              },
              // Should the record be lost again, it reappears above this.
              { Put: { TableName: table, Item: floorKey(group, version) } },
              ...(over ? [{ ConditionCheck: asSeen(over) }] : []),
            ],
          }),
        ),
      );
      return won !== undefined;
    },

    async putJob(job, ttl) {
      await put({ ...toItem(job), ...(ttl === undefined ? {} : { ttl }) }, noJob);
    },
  };
}
