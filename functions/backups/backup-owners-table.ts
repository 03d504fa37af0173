import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { BackupOwners } from './backup-owners.ts';

const ownerKey = (backupId: string) => ({ pk: `BACKUP#${backupId}`, sk: 'OWNER' });

/** Binds the port to the main table. No function deletes items there: what is over gets a time to live. */
export function backupOwnersTable(client: DynamoDBDocumentClient, table: string): BackupOwners {
  return {
    async remember(backupId, group) {
      await client.send(new PutCommand({ TableName: table, Item: { ...ownerKey(backupId), owner: group } }));
    },

    async ownerOf(backupId) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: ownerKey(backupId), ConsistentRead: true }),
      );
      return Item?.['owner'] as string | undefined;
    },

    async forget(backupId, now) {
      // Items of this table are never deleted, they expire.
      await client.send(
        new UpdateCommand({
          TableName: table,
          Key: ownerKey(backupId),
          UpdateExpression: 'SET #ttl = :now REMOVE #owner',
          ExpressionAttributeNames: { '#ttl': 'ttl', '#owner': 'owner' },
          ExpressionAttributeValues: { ':now': Math.floor(now / 1_000) },
        }),
      );
    },
  };
}
