import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startFront } from '../../../emulator/dynamodb/front.ts';
import { PermissionGuard } from '../../../emulator/iam/guard.ts';
import { needsOfS3 } from '../../../emulator/iam/needs.ts';
import { S3Error } from '../../../emulator/s3/errors.ts';
import { type RequestLine, startS3Server } from '../../../emulator/s3/server.ts';

const TableName = 'guarded-table';
const Bucket = 'guarded-bucket';
const guard = new PermissionGuard(
  new Map([
    [
      'reader',
      [
        { action: 'dynamodb:GetItem', resource: `table/${TableName}` },
        { action: 's3:GetObject', resource: `${Bucket}/groups/*` },
      ],
    ],
  ]),
);
const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const asReader = { ...access, credentials: { ...access.credentials, sessionToken: 'reader' } };
const stops: (() => Promise<void>)[] = [];
let dynamodb: string;
let s3: { endpoint: string; forcePathStyle: boolean };

function onRequest(request: RequestLine): void {
  try {
    guard.require(request.sessionToken, needsOfS3(request));
  } catch (cause) {
    throw new S3Error('AccessDenied', String(cause));
  }
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenure-guard-'));
  const server = await startS3Server({ folder, onRequest });
  const front = await startFront(inject('dynamodb'), { hosts: [], permissions: guard });
  stops.push(
    async () => front.stop(),
    server.stop,
    () => rm(folder, { recursive: true }),
  );
  dynamodb = front.endpoint;
  s3 = { endpoint: server.endpoint, forcePathStyle: true };
  await new DynamoDBClient({ ...access, endpoint: dynamodb }).send(
    new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const client = new S3Client({ ...access, ...s3 });
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'groups/g', Body: 'payload' }));
});
afterAll(async () => {
  for (const stop of stops) await stop();
});

describe('a function that may only read', () => {
  test('reads from the table and is denied a write, which takes no effect', async () => {
    const reader = new DynamoDBClient({ ...asReader, endpoint: dynamodb });
    const Key = { pk: { S: 'a' } };
    await expect(reader.send(new PutItemCommand({ TableName, Item: Key }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `reader is not allowed dynamodb:PutItem on table/${TableName}`,
    });
    expect((await reader.send(new GetItemCommand({ TableName, Key }))).Item).toBeUndefined();
    await new DynamoDBClient({ ...access, endpoint: dynamodb }).send(new PutItemCommand({ TableName, Item: Key }));
    expect((await reader.send(new GetItemCommand({ TableName, Key }))).Item).toEqual(Key);
  });

  test('presigns what it may do; a URL for anything else opens nothing', async () => {
    const reader = new S3Client({ ...asReader, ...s3 });
    const readable = await getSignedUrl(reader, new GetObjectCommand({ Bucket, Key: 'groups/g' }), { expiresIn: 60 });
    expect(await (await fetch(readable)).text()).toBe('payload');
    const command = new PutObjectCommand({ Bucket, Key: 'groups/other' });
    const writable = await getSignedUrl(reader, command, { expiresIn: 60 });
    const refused = await fetch(writable, { method: 'PUT', body: 'payload' });
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('reader is not allowed s3:PutObject on guarded-bucket/groups/other');
    expect([...guard.refusals]).toContain('reader is not allowed s3:PutObject on guarded-bucket/groups/…');
  });
});
