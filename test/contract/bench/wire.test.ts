import { GetCommand, PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { expect, inject, test } from 'vitest';
import { openWire } from '../../bench/wire.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';

test('the wire counts every request of a client, as AWS charges it, and changes no answer', async () => {
  const TableName = await createMainTable(inject('dynamodb'));
  const wire = await openWire(inject('dynamodb'));
  const documents = localDocuments(wire.endpoint);
  const item = (sk: string) => ({ TableName, Item: { pk: 'p', sk, text: 'x'.repeat(900) } });
  const absent = { ConditionExpression: 'attribute_not_exists(pk)' };

  expect(await wire.during(() => documents.send(new PutCommand(item('a'))))).toEqual({
    requests: 1,
    readUnits: 0,
    writeUnits: 1,
  });
  const refused = () => documents.send(new PutCommand({ ...item('a'), ...absent })).catch((error) => error.name);
  expect(await refused()).toBe('ConditionalCheckFailedException');
  expect(await wire.during(refused)).toEqual({ requests: 1, readUnits: 0, writeUnits: 1 });
  expect(
    await wire.during(() =>
      documents.send(
        new TransactWriteCommand({
          TransactItems: [{ Put: item('b') }, { ConditionCheck: { TableName, Key: { pk: 'p', sk: 'c' }, ...absent } }],
        }),
      ),
    ),
  ).toEqual({ requests: 1, readUnits: 0, writeUnits: 4 });
  const read = new GetCommand({ TableName, Key: { pk: 'p', sk: 'a' } });
  expect((await documents.send(read)).Item).toEqual(item('a').Item);
  expect(await wire.during(() => documents.send(read))).toEqual({ requests: 1, readUnits: 0.5, writeUnits: 0 });
  expect(wire.spent().requests).toBe(6);
  await wire.stop();
  documents.destroy();
});
