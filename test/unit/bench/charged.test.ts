import { expect, test } from 'vitest';
import { charged } from '../../bench/wire.ts';

test('what DynamoDB Local reports is charged as AWS does', () => {
  const reported = (CapacityUnits: number) => ({ ConsumedCapacity: { CapacityUnits } });
  const refused = { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException' };
  expect(charged('GetItem', {}, reported(0.5))).toBe(0.5);
  expect(charged('UpdateItem', {}, reported(2))).toBe(2);
  expect(charged('UpdateItem', {}, refused)).toBe(1);
  expect(charged('UpdateItem', {}, { __type: 'com.amazonaws.dynamodb.v20120810#ValidationException' })).toBe(0);
});

test('a transaction costs two units for each item, twice what is reported, also when it is refused', () => {
  const three = { TransactItems: [{}, {}, {}] };
  const each = (CapacityUnits: number) => ({ ConsumedCapacity: [{ CapacityUnits }, { CapacityUnits }] });
  expect(charged('TransactWriteItems', three, each(1.5))).toBe(6);
  expect(charged('TransactWriteItems', three, each(4))).toBe(16);
  expect(charged('TransactWriteItems', three, { __type: 'x#TransactionCanceledException' })).toBe(6);
});
