import { expect, test } from 'vitest';
import { beyondMargins } from '../support/margins.ts';

test('a request far from every limit of DynamoDB is beyond none', () => {
  const item = { pk: { S: 'x' }, data: { B: new Uint8Array(300_000) } };
  const update = { UpdateExpression: 'SET a = :a, b = if_not_exists(b, :b)', ConditionExpression: 'a = :c' };
  expect(beyondMargins({ Item: item, ...update })).toEqual([]);
  expect(beyondMargins({ TransactItems: Array.from({ length: 75 }, () => ({ Update: update })) })).toEqual([]);
});

test.each([
  ['an expression', { ConditionExpression: 'x'.repeat(3_073) }, 'ConditionExpression: 3073 of 4096'],
  ['one in a transaction', { TransactItems: [{ Put: { ConditionExpression: 'x'.repeat(3_073) } }] }, '3073 of 4096'],
  ['operators', { UpdateExpression: `SET a = ${'f('.repeat(230)}` }, 'of 300'],
  ['a transaction', { TransactItems: Array.from({ length: 76 }, () => ({})) }, 'items of a transaction: 76 of 100'],
  ['an item', { Item: { data: { B: new Uint8Array(308_000) } } }, 'of 409600'],
])('%s with less than a quarter of its limit left is named', (_what, input, named) => {
  expect(beyondMargins(input)).toEqual([expect.stringContaining(named)]);
});
