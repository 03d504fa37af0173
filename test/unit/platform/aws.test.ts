import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { patience } from '../../../functions/platform/aws.ts';
import { isUnavailable } from '../../../store/store-errors.ts';

let endpoint: string;
let connections = 0;
const sockets = new Set<Socket>();
const silent = createServer((socket) => {
  connections += 1;
  sockets.add(socket.on('error', () => {}));
});
beforeAll(async () => {
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  endpoint = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent.close();
});

const soon = { ...patience, requestHandler: { ...patience.requestHandler, requestTimeout: 50 } };
const account = () => ({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });

test('a store that takes a request and never answers is asked three times, and then unavailable', async () => {
  connections = 0;
  const dynamodb = new DynamoDBClient({ ...soon, ...account() });
  const error = await dynamodb.send(new ListTablesCommand({})).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'TimeoutError' });
  expect(isUnavailable(error)).toBe(true);
  expect(connections).toBe(3);
});

test('a single request may have a limit of its own', async () => {
  const s3 = new S3Client({ ...patience, ...account(), maxAttempts: 1, forcePathStyle: true });
  const open = s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }), { requestTimeout: 60 });
  await expect(open).rejects.toMatchObject({ name: 'TimeoutError', message: expect.stringContaining('60 ms') });
});
