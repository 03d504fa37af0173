import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { tableDefinition } from '../../client/direct/table-definition.ts';

/** The credentials of a stack, each of which has tables of its own. */
export type Access = Pick<DynamoDBClientConfig, 'region' | 'credentials'>;

const local: Access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

/** A raw client of DynamoDB Local, or of a stack's with its credentials. */
export function localDynamoDb(endpoint: string, { region, credentials }: Access = local): DynamoDBClient {
  return new DynamoDBClient({ endpoint, ...(region && { region }), ...(credentials && { credentials }) });
}

/** A document client of it as the functions make theirs. */
export function localDocuments(endpoint: string, access: Access = local): DynamoDBDocumentClient {
  const client = localDynamoDb(endpoint, access);
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** Makes a table with the keys and the index of the deployed main table; returns its name. */
export async function createMainTable(endpoint: string): Promise<string> {
  const name = `main-${randomUUID()}`;
  await localDynamoDb(endpoint).send(new CreateTableCommand(tableDefinition(name)));
  return name;
}
