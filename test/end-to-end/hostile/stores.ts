import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, paginateScan, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { StackDescription } from '../../support/stack.ts';

/**
 * The journal notes what is refused and who waits, after the answer: its items are no writes of a request. A refused
 * request lets the item expire that held its key; DynamoDB removes it in its own time.
 */
const isOfRequest = ({ sk, ttl }: Record<string, unknown>) =>
  !String(sk).startsWith('JOURNAL#') && !(typeof ttl === 'number' && ttl * 1_000 <= Date.now());

/** Looks into the stores of a stack past its API. */
export function openStores({ dynamodb, s3, region, credentials, table, replicaTables, bucket }: StackDescription) {
  const access = { region, credentials };
  const items = DynamoDBDocumentClient.from(new DynamoDBClient({ ...access, endpoint: dynamodb }));
  const objects = new S3Client({ ...access, endpoint: s3, forcePathStyle: true });

  return {
    /** Everything that the main table holds of a group. */
    async contents(group: string): Promise<unknown[]> {
      const { Items = [] } = await items.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': `GROUP#${group}` },
          ConsistentRead: true,
        }),
      );
      return Items.filter(isOfRequest);
    },

    /** The groups with the prefix that any table, or the bucket, holds something of. */
    async groupsWith(prefix: string) {
      const found = { items: new Set<string>(), objects: new Set<string>() };
      const group = new RegExp(`${prefix}\\d+-`, 'g');
      for (const TableName of [table, ...replicaTables]) {
        const scan = {
          TableName,
          ProjectionExpression: 'pk, sk, #ttl',
          ExpressionAttributeNames: { '#ttl': 'ttl' },
          ConsistentRead: true,
        };
        for await (const { Items = [] } of paginateScan({ client: items }, scan))
          for (const name of JSON.stringify(Items.filter(isOfRequest)).match(group) ?? []) found.items.add(name);
      }
      for (const start of ['groups/', 'backups/', 'restores/']) {
        let ContinuationToken: string | undefined;
        do {
          const page = await objects.send(
            new ListObjectsV2Command({ Bucket: bucket, Prefix: `${start}${prefix}`, ContinuationToken }),
          );
          for (const name of JSON.stringify(page.Contents ?? []).match(group) ?? []) found.objects.add(name);
          ContinuationToken = page.NextContinuationToken;
        } while (ContinuationToken);
      }
      return found;
    },
  };
}
