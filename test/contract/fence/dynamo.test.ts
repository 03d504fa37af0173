import { randomUUID } from 'node:crypto';
import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { dynamoRefusal, fencedDynamo, fencedDynamoTransaction } from '../../../client/fence/dynamo.ts';
import { dynamoFenceStore } from '../../../client/fence/fence-store.ts';
import { proveFenced } from '../../../client/fence/prove.ts';
import { sizes } from '../../sizes.ts';
import { localDocuments, localDynamoDb } from '../../support/main-table.ts';

const endpoint = inject('dynamodb');
const client = localDocuments(endpoint);
const TableName = `fenced-${randomUUID()}`;
let Key: { pk: string };

beforeAll(async () => {
  await localDynamoDb(endpoint).send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
});

beforeEach(() => {
  Key = { pk: randomUUID() };
});

const leader = (fencingVersion: number) => ({ fencingVersion });
const itemNow = async () => (await client.send(new GetCommand({ TableName, Key, ConsistentRead: true }))).Item;

const setValue = (version: number, value: string) =>
  new UpdateCommand(
    fencedDynamo(leader(version), {
      TableName,
      Key,
      UpdateExpression: 'SET #v = :v REMOVE former',
      ExpressionAttributeNames: { '#v': 'value' },
      ExpressionAttributeValues: { ':v': value },
    }),
  );

test('an update leaves its version, and an older one is refused', async () => {
  await client.send(setValue(7, 'by 7'));
  await client.send(setValue(8, 'by 8'));
  const error = await client.send(setValue(7, 'late')).catch((refused: Error) => refused);
  expect(dynamoRefusal(error, leader(7), 'item')).toMatchObject({ code: 'fenced', yours: 7, current: 8 });
  expect(await itemNow()).toEqual({ ...Key, value: 'by 8', tenureFencingVersion: 8 });
});

test('a put keeps the condition of the caller, whose failure is not a refusal', async () => {
  const put = (version: number) =>
    client.send(
      new PutCommand(
        fencedDynamo(leader(version), {
          TableName,
          Item: { ...Key, value: version },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      ),
    );
  await put(7);
  const error = await put(8).catch((failed: Error) => failed);
  expect((error as Error).name).toBe('ConditionalCheckFailedException');
  expect(dynamoRefusal(error, leader(8), 'item')).toBeUndefined();
});

test('an update expression without SET gets one, and so does an update without an expression', async () => {
  await client.send(setValue(7, 'by 7'));
  const update = (UpdateExpression: string) =>
    client.send(new UpdateCommand(fencedDynamo(leader(8), { TableName, Key, UpdateExpression })));
  await update('REMOVE former');
  await update('');
  expect(await itemNow()).toMatchObject({ value: 'by 7', tenureFencingVersion: 8 });
});

test('inputs of the plain client have attribute values', async () => {
  const input = { TableName, Item: { pk: { S: Key.pk } } };
  await localDynamoDb(endpoint).send(new PutItemCommand(fencedDynamo(leader(7), input, { marshalled: true })));
  expect(await itemNow()).toEqual({ ...Key, tenureFencingVersion: 7 });
});

test('a command that cannot be guarded is refused before it is sent', () => {
  expect(() => fencedDynamo(leader(7), { TableName, Key })).toThrow('A delete would remove');
  expect(() => fencedDynamo(leader(7), { RequestItems: {} } as never)).toThrow('A batch write cannot be conditional');
  expect(() => fencedDynamo(leader(7), { Item: Key, Expected: {} } as never)).toThrow('Expected excludes');
  expect(() => fencedDynamo({ fencingVersion: Number.NaN }, { Item: Key })).toThrow('fencingVersion is NaN');
  const TransactItems = Array.from({ length: 100 }, () => ({ Put: { TableName, Item: Key } }));
  expect(() => fencedDynamoTransaction(leader(7), { TransactItems }, { TableName, Key })).toThrow(RangeError);
});

test('a delete forgets the fence, which is why it is refused here', async () => {
  await client.send(setValue(8, 'by 8'));
  await client.send(new DeleteCommand({ TableName, Key }));
  await client.send(setValue(7, 'a zombie'));
  expect(await itemNow()).toMatchObject({ value: 'a zombie' });
});

test('a transaction guards deletes, too: an item that an older leader would bring back stays deleted', async () => {
  const fence = { TableName, Key: { pk: `fence-${Key.pk}` } };
  const transact = (version: number, item: object) =>
    client.send(new TransactWriteCommand(fencedDynamoTransaction(leader(version), { TransactItems: [item] }, fence)));
  await transact(7, { Put: { TableName, Item: Key } });
  await transact(8, { Delete: { TableName, Key } });
  const error = await transact(7, { Put: { TableName, Item: Key } }).catch((refused: Error) => refused);
  expect((error as Error).name).toBe('TransactionCanceledException');
  expect(await itemNow()).toBeUndefined();
});

test('the store for HTTP services raises versions and never lowers them', async () => {
  const store = dynamoFenceStore(client, TableName);
  const name = randomUUID();
  expect(await store.raise(name, 7)).toBe(7);
  expect(await store.raise(name, 9)).toBe(9);
  expect(await store.raise(name, 8)).toBe(9);
});

describe('the test kit', () => {
  const open = async () => {
    Key = { pk: randomUUID() };
    return { client };
  };
  const read = async () => (await itemNow())?.['value'] as string | undefined;

  test('finds that guarded updates hold', async () => {
    const write = (through: typeof client, { fencingVersion }: { fencingVersion: number }, value: string) =>
      through.send(setValue(fencingVersion, value));
    const proof = await proveFenced({ open, read, write }, { schedules: sizes.fence.schedules });
    expect(proof.kind === 'broken' ? proof.timeline : proof.kind).toBe('held');
  });
});
