import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { HttpResponse } from '@smithy/core/protocols';
import { expect, test } from 'vitest';
import { type Fault, injectFaults } from '../../support/faults.ts';

/** Answers with these statuses, one after the other; 0 breaks the connection. */
function clientOf(...statuses: number[]) {
  let sent = 0;
  const client = new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 3,
    requestHandler: {
      async handle() {
        const statusCode = statuses[sent++] ?? 200;
        if (statusCode === 0) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
        const headers = { 'content-type': 'application/x-amz-json-1.0' };
        const body = Buffer.from(statusCode === 400 ? '{"__type":"x#ConditionalCheckFailedException"}' : '{}');
        return { response: new HttpResponse({ statusCode, headers, body }) };
      },
    },
  });
  const faults = injectFaults(client);
  const write = () => client.send(new UpdateItemCommand({ TableName: 't', Key: { pk: { S: 'p' } } }));
  return { faults, write, sent: () => sent };
}

test.each<Fault>(['crash after', 'answer lost'])('%s waits for the try that the store decides', async (fault) => {
  for (const broken of [0, 500]) {
    const { faults, write, sent } = clientOf(broken, 200, 200);
    faults.once(fault, 'UpdateItemCommand');
    if (fault === 'crash after') {
      await expect(write()).rejects.toMatchObject({ name: 'CrashedError' });
      expect(sent()).toBe(2);
      await expect(write()).rejects.toMatchObject({ name: 'CrashedError' });
    } else {
      await write();
      expect(sent()).toBe(3);
    }
  }
});

test('a refusal is a decision: the fault is over', async () => {
  const { faults, write } = clientOf(400, 200);
  faults.once('crash after', 'UpdateItemCommand');
  await expect(write()).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
  await write();
});
