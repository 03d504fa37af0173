import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
  type TableDescription,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { Deployment } from '../assembly/deployment.ts';
import type { Resource } from '../assembly/read.ts';
import { differences } from './table-differences.ts';

export interface TableProperties {
  KeySchema: CreateTableCommandInput['KeySchema'];
  AttributeDefinitions: CreateTableCommandInput['AttributeDefinitions'];
  BillingMode?: string;
  ProvisionedThroughput?: CreateTableCommandInput['ProvisionedThroughput'];
  GlobalSecondaryIndexes?: CreateTableCommandInput['GlobalSecondaryIndexes'];
  LocalSecondaryIndexes?: CreateTableCommandInput['LocalSecondaryIndexes'];
  StreamSpecification?: { StreamViewType: string };
  TimeToLiveSpecification?: { AttributeName?: string; Enabled: boolean };
  DeletionProtectionEnabled?: boolean;
  /** Of AWS::DynamoDB::GlobalTable: what differs by Region stands here. */
  Replicas?: { Region: string; DeletionProtectionEnabled?: boolean }[];
}

/**
 * Creates the tables of the template, or brings those that are there up to it.
 * Throws, naming `--data`, when a difference is one that UpdateTable cannot apply.
 */
export async function createTables(deployment: Deployment, client: DynamoDBClient): Promise<string[]> {
  const tables = deployment.resources('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable');
  const names = tables.map((table) => deployment.reference(table));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) throw new Error(`Two tables are named ${twice}: all Regions are one here, give them different names`);
  return Promise.all(tables.map((table) => createTable(deployment, client, table)));
}

async function createTable(deployment: Deployment, client: DynamoDBClient, table: Resource): Promise<string> {
  const TableName = deployment.reference(table);
  const wanted = wantedTable(TableName, deployment.properties<TableProperties>(table));
  const present = await describeTable(client, TableName);
  if (present) await update(client, wanted, present);
  else await client.send(new CreateTableCommand(wanted));
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName });
  await setTimeToLive(client, TableName, deployment.properties<TableProperties>(table).TimeToLiveSpecification);
  const { LatestStreamArn, TableArn } = (await describeTable(client, TableName)) ?? {};
  if (LatestStreamArn) deployment.assign(table, { StreamArn: LatestStreamArn });
  if (TableArn) deployment.assign(table, { Arn: TableArn });
  return TableName;
}

/**
 * Every table is on demand here: throughput is not what one machine can show. Point-in-time recovery does not exist.
 */
function wantedTable(TableName: string, properties: TableProperties): CreateTableCommandInput {
  const { KeySchema, AttributeDefinitions, StreamSpecification, LocalSecondaryIndexes, Replicas = [] } = properties;
  const indexes = (properties.GlobalSecondaryIndexes ?? []).map(({ IndexName, KeySchema, Projection }) => ({
    IndexName,
    KeySchema,
    Projection,
  }));
  const protection =
    properties.DeletionProtectionEnabled ?? Replicas.some(({ DeletionProtectionEnabled }) => DeletionProtectionEnabled);
  return {
    TableName,
    KeySchema,
    AttributeDefinitions,
    BillingMode: 'PAY_PER_REQUEST',
    DeletionProtectionEnabled: protection,
    ...(indexes.length > 0 ? { GlobalSecondaryIndexes: indexes } : {}),
    ...(LocalSecondaryIndexes?.length ? { LocalSecondaryIndexes } : {}),
    ...(StreamSpecification
      ? {
          StreamSpecification: {
            StreamEnabled: true,
            StreamViewType: StreamSpecification.StreamViewType as 'NEW_AND_OLD_IMAGES',
          },
        }
      : {}),
  };
}

async function describeTable(client: DynamoDBClient, TableName: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName }))).Table;
  } catch (cause) {
    if (cause instanceof ResourceNotFoundException) return undefined;
    throw cause;
  }
}

async function update(client: DynamoDBClient, wanted: CreateTableCommandInput, present: TableDescription) {
  const { updates, refusal } = differences(wanted, present);
  if (refusal) {
    throw new Error(
      `Table ${wanted.TableName} cannot be updated in place: ${refusal}. Start with another folder (--data DIR), or delete this one's state.`,
    );
  }
  for (const update of updates) {
    await client.send(new UpdateTableCommand(update));
    await untilActive(client, String(wanted.TableName));
  }
}

/** Ten in a second. */
const mostLooks = 6_000;

/** A new index is filled before the next change of the same table is taken. */
async function untilActive(client: DynamoDBClient, TableName: string) {
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const table = await describeTable(client, TableName);
    const busy = table?.GlobalSecondaryIndexes?.some(({ IndexStatus }) => IndexStatus !== 'ACTIVE');
    if (table?.TableStatus === 'ACTIVE' && !busy) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Table ${TableName} is not ACTIVE after ${mostLooks / 10} s`);
}

async function setTimeToLive(
  client: DynamoDBClient,
  TableName: string,
  wanted: TableProperties['TimeToLiveSpecification'],
) {
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  const present =
    TimeToLiveDescription?.TimeToLiveStatus === 'ENABLED' ? TimeToLiveDescription.AttributeName : undefined;
  const attribute = wanted?.Enabled ? wanted.AttributeName : undefined;
  if (present === attribute) return;
  const change = (AttributeName: string | undefined, Enabled: boolean) =>
    client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { AttributeName, Enabled } }));
  if (present) await change(present, false);
  if (attribute) await change(attribute, true);
}
