import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { S3Client } from '@aws-sdk/client-s3';
import { expect, onTestFinished, test } from 'vitest';
import { S3ArchiveBucket } from '../../../functions/backups/bucket/archive-bucket.ts';
import { s3Client } from '../../../functions/platform/aws.ts';

const place = (key: string) => ({ bucket: 'b', key });
const answer = '<CopyObjectResult><ETag>e</ETag></CopyObjectResult>';

test('as many copies as a restore has under way each get a socket at once, however slowly S3 answers', async () => {
  const atOnce = 128;
  const open: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    open.push(response);
    if (open.length === atOnce) for (const one of open) one.end(answer);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  const { port } = server.address() as { port: number };
  const { requestHandler } = s3Client().config;
  const client = new S3Client({
    requestHandler,
    maxAttempts: 1,
    forcePathStyle: true,
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  const bucket = new S3ArchiveBucket(client);
  const limits = { wholeUpTo: 1, goOn: () => true };
  const copies = Array.from({ length: atOnce }, (_, at) => bucket.copy(place('from'), place(`to-${at}`), 1, limits));
  expect(await Promise.all(copies)).toHaveLength(atOnce);
});

test('parts are copied by no more at once than have sockets, however many objects are copied, and all get there', async () => {
  let running = 0;
  let most = 0;
  const send = async ({ constructor: { name } }: object) => {
    if (name !== 'UploadPartCopyCommand') return { UploadId: 'begun' };
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    return {};
  };
  const bucket = new S3ArchiveBucket({ send } as unknown as S3Client);
  const limits = { wholeUpTo: 0, goOn: () => true };
  const copies = Array.from({ length: 128 }, (_, at) =>
    bucket.copy(place('from'), place(`to-${at}`), 2 * 1024 ** 3, limits),
  );
  expect((await Promise.all(copies)).every((outcome) => 'copied' in outcome)).toBe(true);
  expect(most).toBe(64);
});
