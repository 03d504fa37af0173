import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, expect, inject, test } from 'vitest';
import { itemBytes, unitsOf } from '../../support/capacity.ts';
import { type Faults, injectFaults } from '../../support/faults.ts';
import { createMainTable, localDocuments, localDynamoDb } from '../../support/main-table.ts';

let TableName: string;
const endpoint = inject('dynamodb');
const documents = localDocuments(endpoint);
const faults: Faults = injectFaults(documents);
beforeAll(async () => {
  TableName = await createMainTable(endpoint);
});

/** Attributes of every kind that the product stores, without the pad that brings an item to its size. */
const kinds: Record<string, Record<string, AttributeValue>> = {
  text: { name: { S: 'ordérs' } },
  bytes: { data: { B: new Uint8Array(77) } },
  list: { all: { L: [{ S: 'a' }, { S: 'bb' }, { BOOL: true }] } },
  map: { one: { M: { a: { S: 'x' }, b: { M: { c: { NULL: true } } } } } },
  set: { names: { SS: ['a', 'bcd'] } },
};

test.each(Object.keys(kinds))('counts an item with %s to the byte, as the store reports it', async (kind) => {
  const client = localDynamoDb(endpoint);
  const item = (pad: number) => ({
    pk: { S: 'p' },
    sk: { S: kind },
    ...kinds[kind],
    filling: { S: 'x'.repeat(pad) },
  });
  const pad = 1_024 - itemBytes(item(0));
  const reported = async (bytes: number) => {
    const put = new PutItemCommand({ TableName, Item: item(bytes), ReturnConsumedCapacity: 'TOTAL' });
    return (await client.send(put)).ConsumedCapacity?.CapacityUnits;
  };
  expect([await reported(pad), await reported(pad + 1)]).toEqual([1, 2]);
  client.destroy();
});

/** The next request's cost by AWS's rule, and by the store's report. */
async function charged(step: () => Promise<unknown>) {
  const from = faults.sent.length;
  await step().catch(() => undefined);
  const [sent] = faults.sent.slice(from);
  if (!sent) throw new Error('Nothing was sent');
  return { units: await unitsOf(sent, documents), reported: sent.capacity };
}

const item = (sk: string, bytes: number) => ({ TableName, Item: { pk: 'p', sk, filling: 'x'.repeat(bytes) } });
const key = (sk: string) => ({ TableName, Key: { pk: 'p', sk } });

test('a transaction costs two units for each KB of each of its items', async () => {
  const three = ['a', 'b', 'c'].map((sk) => ({ Put: item(sk, 500) }));
  const { units, reported } = await charged(() => documents.send(new TransactWriteCommand({ TransactItems: three })));
  expect(units).toBe(6);
  // DynamoDB Local reports the units of the three items together.
  expect(reported).toBe(inject('store') === 'MiniStack' ? 6 : 2);
});

test('a check counts like a write of the item that is there, an update its larger size', async () => {
  await documents.send(new TransactWriteCommand({ TransactItems: [{ Put: item('large', 2_500) }] }));
  const update = { UpdateExpression: 'SET more = :more', ExpressionAttributeValues: { ':more': 'x'.repeat(1_500) } };
  const present = { ConditionExpression: 'attribute_exists(pk)' };
  const { units } = await charged(() =>
    documents.send(
      new TransactWriteCommand({
        TransactItems: [
          { Update: { ...key('large'), ...update } },
          { ConditionCheck: { ...key('a'), ...present } },
          { ConditionCheck: { ...key('absent'), ConditionExpression: 'attribute_not_exists(pk)' } },
        ],
      }),
    ),
  );
  expect(units).toBe(2 * (4 + 1 + 1));
});

test('a refused write costs what the item that is there would have cost', async () => {
  const refused = { ConditionExpression: 'attribute_not_exists(pk)' };
  const update = new UpdateCommand({ ...key('large'), UpdateExpression: 'REMOVE filling', ...refused });
  expect(await charged(() => documents.send(update))).toMatchObject({ units: 4 });
  const other = new DeleteCommand({ ...key('a'), ...refused });
  expect(await charged(() => documents.send(other))).toMatchObject({ units: 1 });
});
