import {
  DeleteTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deployment } from '../../../../../emulator/cloudformation/assembly/deployment.ts';
import { createTables } from '../../../../../emulator/cloudformation/resources/tables.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../../../../../emulator/dynamodb/dynamodb.ts';

let server: DynamoDbLocal;
let client: DynamoDBClient;
beforeAll(async () => {
  server = await startDynamoDbLocal();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  client = new DynamoDBClient({ endpoint: server.endpoint, region: 'us-east-1', credentials });
});
afterAll(() => server.stop());

const key = (AttributeName: string, KeyType = 'HASH') => ({ AttributeName, KeyType });
const attribute = (AttributeName: string, AttributeType = 'S') => ({ AttributeName, AttributeType });
const index = (IndexName: string, name: string, ProjectionType = 'KEYS_ONLY') => ({
  IndexName,
  KeySchema: [key(name)],
  Projection: { ProjectionType },
});
const plain = { KeySchema: [key('pk')], AttributeDefinitions: [attribute('pk')], BillingMode: 'PAY_PER_REQUEST' };

function deployment(TableName: string, properties: object, Type = 'AWS::DynamoDB::Table') {
  const template = { Resources: { Table: { Type, Properties: { TableName, ...properties } } } };
  return new Deployment([{ name: 's', account: '000000000000', region: 'us-east-1', assets: new Map(), template }]);
}

async function described(TableName: string) {
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
  return {
    indexes: (Table?.GlobalSecondaryIndexes ?? []).map(({ IndexName }) => IndexName).sort(),
    stream: Table?.StreamSpecification?.StreamViewType,
    protected: Table?.DeletionProtectionEnabled,
    timeToLive: TimeToLiveDescription?.TimeToLiveStatus === 'ENABLED' ? TimeToLiveDescription.AttributeName : undefined,
  };
}

const full = {
  ...plain,
  AttributeDefinitions: [attribute('pk'), attribute('kind'), attribute('owner')],
  GlobalSecondaryIndexes: [index('by-kind', 'kind'), index('by-owner', 'owner', 'ALL')],
  StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
  TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
  DeletionProtectionEnabled: true,
  PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  Tags: [{ Key: 'a', Value: 'b' }],
};

test('creates indexes, stream, time to live and protection, and learns the real ARN of the stream', async () => {
  const stack = deployment('created', full);
  await createTables(stack, client);
  expect(await described('created')).toEqual({
    indexes: ['by-kind', 'by-owner'],
    stream: 'NEW_AND_OLD_IMAGES',
    protected: true,
    timeToLive: 'expires',
  });
  const [table] = stack.resources('AWS::DynamoDB::Table');
  expect(table && stack.attribute(table, 'StreamArn')).toMatch(/table\/created\/stream\/\d{4}-/);
  await expect(client.send(new DeleteTableCommand({ TableName: 'created' }))).rejects.toThrow('protect');
});

test('a second start changes nothing and keeps the items', async () => {
  await createTables(deployment('again', full), client);
  await client.send(new PutItemCommand({ TableName: 'again', Item: { pk: { S: '1' }, kind: { S: 'k' } } }));
  await createTables(deployment('again', full), client);
  const { Item } = await client.send(new GetItemCommand({ TableName: 'again', Key: { pk: { S: '1' } } }));
  expect(Item).toEqual({ pk: { S: '1' }, kind: { S: 'k' } });
});

test('applies what UpdateTable can: indexes added and dropped, stream, time to live, protection', async () => {
  await createTables(deployment('grown', plain), client);
  await createTables(deployment('grown', full), client);
  expect(await described('grown')).toEqual({
    indexes: ['by-kind', 'by-owner'],
    stream: 'NEW_AND_OLD_IMAGES',
    protected: true,
    timeToLive: 'expires',
  });
  const other = {
    ...full,
    AttributeDefinitions: [attribute('pk'), attribute('colour')],
    GlobalSecondaryIndexes: [index('by-colour', 'colour')],
    StreamSpecification: { StreamViewType: 'KEYS_ONLY' },
    TimeToLiveSpecification: { AttributeName: 'expires', Enabled: false },
    DeletionProtectionEnabled: false,
  };
  await createTables(deployment('grown', other), client);
  expect(await described('grown')).toEqual({
    indexes: ['by-colour'],
    stream: 'KEYS_ONLY',
    protected: false,
    timeToLive: undefined,
  });
});

test.each([
  [
    'another key',
    { ...plain, KeySchema: [key('id')], AttributeDefinitions: [attribute('id')] },
    'its key is pk HASH, the template wants id HASH',
  ],
  [
    'another type of key',
    { ...plain, AttributeDefinitions: [attribute('pk', 'N')] },
    'its key attribute pk has type S, the template wants N',
  ],
  [
    'an index of another shape',
    { ...full, GlobalSecondaryIndexes: [index('by-kind', 'kind', 'ALL'), index('by-owner', 'owner', 'ALL')] },
    'its index by-kind is kind HASH KEYS_ONLY, the template wants kind HASH ALL',
  ],
  [
    'a local index',
    {
      ...plain,
      KeySchema: [key('pk')],
      LocalSecondaryIndexes: [
        { IndexName: 'l', KeySchema: [key('pk'), key('sk', 'RANGE')], Projection: { ProjectionType: 'ALL' } },
      ],
    },
    'its local indexes are [], the template wants [l pk HASH + sk RANGE ALL]',
  ],
])('refuses %s, names both and the way out, and leaves the table alone', async (name, properties, difference) => {
  const TableName = `kept-${name.replaceAll(' ', '-')}`;
  await createTables(deployment(TableName, full), client);
  await expect(createTables(deployment(TableName, properties), client)).rejects.toThrow(
    `Table ${TableName} cannot be updated in place: ${difference}. Start with another folder (--data DIR)`,
  );
  expect((await described(TableName)).indexes).toEqual(['by-kind', 'by-owner']);
});

test('a global table is one table here, protected if any replica is', async () => {
  const Replicas = [{ Region: 'us-east-1' }, { Region: 'eu-west-1', DeletionProtectionEnabled: true }];
  await createTables(deployment('global', { ...plain, Replicas }, 'AWS::DynamoDB::GlobalTable'), client);
  expect((await described('global')).protected).toBe(true);
});

test('two tables of one name are refused', async () => {
  const table = { Type: 'AWS::DynamoDB::Table', Properties: { ...plain, TableName: 'same' } };
  const stack = { account: '000000000000', assets: new Map(), template: { Resources: { Table: table } } };
  const both = new Deployment([
    { ...stack, name: 'a', region: 'us-east-1' },
    { ...stack, name: 'b', region: 'eu-west-1' },
  ]);
  await expect(createTables(both, client)).rejects.toThrow('Two tables are named same');
});
