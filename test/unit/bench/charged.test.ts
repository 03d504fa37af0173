import { expect, test } from 'vitest';
import { charged } from '../../bench/wire.ts';

const large = async () => 2_500;
const absent = async () => 0;
const item = { TableName: 't', Item: { pk: { S: 'x'.repeat(500) } } };
const key = { TableName: 't', Key: { pk: { S: 'x' } } };

test('units that DynamoDB Local reports of one item are charged as AWS does', async () => {
  const reported = (CapacityUnits: number) => ({ ConsumedCapacity: { CapacityUnits } });
  expect(await charged('GetItem', {}, reported(0.5), absent)).toBe(0.5);
  expect(await charged('UpdateItem', key, reported(2), absent)).toBe(2);
});

test('a refused write is charged for the item that is there, another error not at all', async () => {
  const refused = { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException' };
  expect(await charged('UpdateItem', key, refused, absent)).toBe(1);
  expect(await charged('UpdateItem', key, refused, large)).toBe(3);
  expect(await charged('PutItem', item, { __type: 'ConditionalCheckFailedException' }, large)).toBe(1);
  const invalid = { __type: 'com.amazonaws.dynamodb.v20120810#ValidationException' };
  expect(await charged('UpdateItem', key, invalid, large)).toBe(0);
});

test('a transaction costs two units for each KB of each item, whatever is reported, also when it is refused', async () => {
  const three = { TransactItems: [{ Put: item }, { Update: key }, { ConditionCheck: key }] };
  const reported = { ConsumedCapacity: [{ CapacityUnits: 2 }] };
  expect(await charged('TransactWriteItems', three, reported, absent)).toBe(6);
  expect(await charged('TransactWriteItems', three, reported, large)).toBe(14);
  const cancelled = { __type: 'x#TransactionCanceledException' };
  expect(await charged('TransactWriteItems', three, cancelled, absent)).toBe(6);
});
