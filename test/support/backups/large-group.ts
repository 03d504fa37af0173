import { createHash, randomUUID } from 'node:crypto';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import { toItem as jobItem } from '../../../functions/jobs/job-item.ts';
import { payloadKey } from '../../../functions/jobs/payloads/upload.ts';
import { logKey, slotKey, toItem } from '../../../log/dynamodb/replica-item.ts';
import { logsOn } from '../../../log/log-room.ts';
import { releaseLog } from '../../../log/protocol/seed.ts';
import { localDocuments } from '../main-table.ts';
import type { StackDescription } from '../stack.ts';

export interface LargeGroup {
  readonly group: string;
  readonly log: string;
}

/** The n-th entry of the log: 120 bytes of JSON, about what an event has. */
export function entryText(position: number): string {
  const what = createHash('sha256').update(`${position}`).digest('hex');
  return `${`{"n":${position},"what":"${what}"`.padEnd(119)}}`;
}

/** The name of a seed until it is whole. */
const seeding = 'seed';

/** Puts a group straight into the tables: a log with so many entries, and jobs with a graph and a checkpoint each. */
export async function seedLargeGroup(
  stack: Pick<StackDescription, 'region' | 'credentials' | 'dynamodb' | 's3' | 'table' | 'replicaTables' | 'bucket'>,
  size: { readonly entries: number; readonly jobs: number },
): Promise<LargeGroup> {
  const group = `large-${randomUUID().slice(0, 8)}`;
  const client = localDocuments(stack.dynamodb, stack);
  await seedLog(client, stack, group, 'journal', size.entries);
  const s3 = new S3Client({
    endpoint: stack.s3,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
  });
  const jobs = await mapConcurrent(
    Array.from({ length: size.jobs }, (_, at) => `job-${String(at).padStart(5, '0')}`),
    16,
    async (jobId) => jobItem(await seedJob(s3, stack.bucket, group, jobId)),
  );
  await putAll(client, stack.table, jobs);
  s3.destroy();
  client.destroy();
  return { group, log: 'journal' };
}

async function seedLog(
  client: DynamoDBDocumentClient,
  { table, replicaTables }: Pick<StackDescription, 'region' | 'credentials' | 'table' | 'replicaTables'>,
  group: string,
  log: string,
  entries: number,
): Promise<void> {
  const room = logsOn({ client, table, replicas: replicaTables.map((one) => ({ client, table: one })) });
  const createdAt = Date.now();
  await room.create({ group, log, autoInitialize: false, createdAt });
  const parts = await room.open(group, log);
  const pk = logKey(group, log, createdAt);
  const action = (position: number) => ({
    position,
    promised: 0,
    promisedBy: '',
    learned: true as const,
    value: {
      type: 'APPEND' as const,
      requests: [{ requestId: 'seed', count: 1 }],
      entries: [Buffer.from(entryText(position))],
    },
  });
  for (const [at, replica] of parts.replicas.entries()) {
    const empty = await replica.create({ incarnation: randomUUID(), view: 'seed' });
    await replica.transition(empty, { status: 'RECOVERING', restoreId: seeding });
    const items = Array.from({ length: entries - 1 }, (_, position) => ({
      ...slotKey(pk, position),
      ...toItem(action(position)),
    }));
    await putAll(client, replicaTables[at] ?? '', items);
    // The last one raises the end above all others.
    await replica.learn([action(entries - 1)]);
  }
  await releaseLog(parts, seeding, Date.now());
}

async function seedJob(s3: S3Client, bucket: string, group: string, jobId: string): Promise<Job> {
  const committedAt = Date.now();
  const put = async (text: string) => {
    const payloadId = randomUUID();
    const body = Buffer.from(text);
    const sha256 = createHash('sha256').update(body).digest();
    const place = { Bucket: bucket, Key: payloadKey(group, jobId, payloadId) };
    await s3.send(new PutObjectCommand({ ...place, Body: body, ChecksumSHA256: sha256.toString('base64') }));
    return { payloadId, bytes: body.length, sha256: sha256.toString('hex'), committedAt };
  };
  const checkpoint = { ...(await put(`state of ${jobId} `.repeat(50))), checkpointId: 1 };
  return {
    group,
    jobId,
    state: 'ACTIVE',
    fence: 1,
    graph: await put(`graph of ${jobId}`),
    retain: 1,
    checkpoints: [checkpoint],
    savepoints: [],
    commits: [{ payloadId: checkpoint.payloadId, checkpointId: 1 }],
    nextCheckpointId: 2,
    submittedAt: committedAt,
    requestId: 'seed',
  };
}

async function putAll(client: DynamoDBDocumentClient, table: string, items: readonly object[]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(items.length / 25) }, (_, at) => items.slice(25 * at, 25 * at + 25));
  await mapConcurrent(batches, 8, async (batch) => {
    let requests: object[] = batch.map((Item) => ({ PutRequest: { Item } }));
    while (requests.length > 0) {
      const answer = await client.send(new BatchWriteCommand({ RequestItems: { [table]: requests as never } }));
      requests = answer.UnprocessedItems?.[table] ?? [];
    }
  });
}
