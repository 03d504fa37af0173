import { randomUUID } from 'node:crypto';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { localDynamoDb } from '../../support/main-table.ts';

/** A table as a lock client wants it, past the wire; returns its name. */
export async function createLockTable(dynamodb: string, ...keys: [hash: string, range?: string]): Promise<string> {
  const TableName = `locks-${randomUUID()}`;
  await localDynamoDb(dynamodb).send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: keys.map((AttributeName, at) => ({ AttributeName, KeyType: at === 0 ? 'HASH' : 'RANGE' })),
    }),
  );
  return TableName;
}
