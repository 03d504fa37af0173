import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { v7 } from 'uuid';
import type { Fence } from '../../api/fence.ts';
import { TenureClient, type TenureClientOptions } from '../../client/tenure-client.ts';
import { type RequestLine, startS3Server } from '../../emulator/s3/server.ts';
import { checkpointRoutes, collectRoutes } from '../../functions/jobs/checkpoint-routes.ts';
import { CheckpointTable } from '../../functions/jobs/checkpoint-table.ts';
import type { CleanUpStore } from '../../functions/jobs/clean-up/clean-up.ts';
import { cleanUpTable } from '../../functions/jobs/clean-up/clean-up-table.ts';
import type { Collector } from '../../functions/jobs/clean-up/collector.ts';
import { CollectorTable } from '../../functions/jobs/clean-up/collector-table.ts';
import { JobTable } from '../../functions/jobs/job-table.ts';
import { heldDeletesTable } from '../../functions/jobs/payloads/held-deletes-table.ts';
import { payloadBucket } from '../../functions/jobs/payloads/payload-bucket.ts';
import type { Recovery } from '../../functions/jobs/recovery.ts';
import { jobRoutes } from '../../functions/jobs/routes.ts';
import { contendRoutes, leaseRoutes } from '../../functions/leadership/routes.ts';
import { serve } from '../../functions/platform/http.ts';
import { logger } from '../../functions/platform/logging.ts';
import { requestKeysTable } from '../../functions/platform/request-keys-table.ts';
import { contend } from '../../leadership/contend.ts';
import { leaseTable } from '../../leadership/lease-table.ts';
import { type Faults, injectFaults } from './faults.ts';
import { createMainTable, localDocuments } from './main-table.ts';

// A thousand requests of a test are not worth a line each.
logger.setLogLevel('SILENT');

export type JobRoom = Recovery & Collector & { readonly cleanUps: CleanUpStore };

/** A process that serves the API: its own clients, so that its faults and its crash are its own. */
export interface Process {
  readonly room: JobRoom;
  readonly dynamodb: Faults;
  readonly s3: Faults;
  call(method: string, path: string, body?: unknown, fence?: Fence, more?: Record<string, string>): Promise<Answer>;
  readonly fetch: typeof globalThis.fetch;
  /** A client of this process, without a network between them. */
  client(options?: Partial<TenureClientOptions>): TenureClient;
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every operation
  readonly body: any;
}

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** The stores of a deployment with a clock that tests move, and as many processes as they want. */
export async function openJobWorld(dynamodbEndpoint: string) {
  const folder = await mkdtemp(join(tmpdir(), 'tenure-jobs-'));
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead };
  const requests: RequestLine[] = [];
  const server = await startS3Server({ folder, clock, onRequest: (line) => requests.push(line) });
  const table = await createMainTable(dynamodbEndpoint);
  const bucket = `payloads-${randomUUID()}`;
  const s3Clients: S3Client[] = [];
  const newS3 = () => {
    const client = new S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    // The SDK would set its clock by the Date of the answers, which is that of this machine.
    Object.defineProperty(client.config, 'systemClockOffset', { get: () => clock.ahead, set() {} });
    s3Clients.push(client);
    return client;
  };
  const s3 = newS3();
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const other = localDocuments(dynamodbEndpoint);

  const world = {
    table,
    bucket,
    clock,
    /** Access to both stores behind Tenure's back, not counted. */
    s3,
    other,
    /** Another client of S3, as each process has its own. */
    newS3,
    /** Requests that reached S3, from any client. */
    requests,
    advance(ms: number) {
      clock.ahead += ms;
    },
    process(graceMs = 0): Process {
      const documents = localDocuments(dynamodbEndpoint);
      const objects = newS3();
      const dynamodb = injectFaults(documents);
      const room: JobRoom = {
        jobs: new JobTable(documents, table),
        checkpoints: new CheckpointTable(documents, table),
        held: heldDeletesTable(documents, table),
        cleanUps: cleanUpTable(documents, table),
        registry: new CollectorTable(documents, table),
        payloads: payloadBucket(objects, bucket),
        readLeadership: (group) => leaseTable(documents, table).read(group, true),
        clock,
        mostJobs: 10_000,
        resultRetentionDays: 7,
        graceMs,
      };
      const leadership = { store: leaseTable(documents, table), clock, maxClockSkewMs: 0 };
      const leadershipRoutes = [...contendRoutes(leadership), ...leaseRoutes(leadership)];
      const app = serve([...jobRoutes(room), ...checkpointRoutes(room), ...collectRoutes(room), ...leadershipRoutes], {
        keys: requestKeysTable(documents, table, clock),
      });
      const fetch: typeof globalThis.fetch = async (url, init) => app.request(String(url), init);
      return {
        room,
        dynamodb,
        s3: injectFaults(objects),
        async call(method, path, body, fence, more = {}) {
          const headers = fence
            ? { 'Fencing-Version': `${fence.fencingVersion}`, 'Leader-Session': fence.sessionId, ...more }
            : more;
          const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
          const response = await app.request(`/v1${path}`, init);
          return { status: response.status, body: await response.json() };
        },
        fetch,
        client: (options) =>
          new TenureClient({
            url: 'http://tenure.local',
            fetch,
            random: () => 0,
            ...options,
          }),
      };
    },
    /** Makes somebody the leader of the group, replacing any earlier one. */
    async lead(group: string, leaseMs = 60_000): Promise<Fence> {
      const store = leaseTable(other, table);
      const running = await store.read(group, true);
      const fence = { fencingVersion: running?.fencingVersion ?? 0, sessionId: running?.holder?.sessionId ?? '' };
      if (running?.holder) await store.resign(group, fence, { stayOut: true }, randomUUID(), clock.now());
      const leadership = { store, clock, maxClockSkewMs: 0 };
      return contend(leadership, group, { contenderId: `c-${randomUUID()}`, leaseMs }, randomUUID());
    },
    async close() {
      for (const client of s3Clients) client.destroy();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

export type JobWorld = Awaited<ReturnType<typeof openJobWorld>>;

/**
 * Uploads bytes as a client does, by one PUT to the URL that it is given, or has been given while its term ran; returns
 * the upload's id.
 */
export async function uploadBytes(
  process: Process,
  fence: Fence,
  job: string,
  bytes: Uint8Array | string,
  purpose = 'checkpoint',
): Promise<string> {
  const promised = { purpose, bytes: Buffer.byteLength(bytes), sha256: sha256(bytes) };
  const { status, body } = await process.call('POST', `${job}/uploads`, promised, fence);
  if (body.code === 'leadership_lost') return uploadedBefore(process, job, bytes);
  if (status !== 200) throw new Error(`No upload: ${JSON.stringify(body)}`);
  const put = await fetch(body.url, {
    method: 'PUT',
    headers: body.headers,
    body: bytes as NonNullable<RequestInit['body']>,
  });
  if (put.status !== 200) throw new Error(`S3 refused the upload: ${put.status} ${await put.text()}`);
  return body.uploadId;
}

/** An upload that was begun before the term ended. */
async function uploadedBefore({ room }: Process, job: string, bytes: Uint8Array | string): Promise<string> {
  const uploadId = v7({ msecs: room.clock.now() });
  await room.payloads.put(`${job.slice(1)}/${uploadId}`, Buffer.from(bytes), sha256(bytes));
  return uploadId;
}

export async function submit(process: Process, fence: Fence, job: string, more: object = {}): Promise<Answer> {
  const graph = { inline: Buffer.from(`graph of ${job}`).toString('base64') };
  return process.call('PUT', job, { graph, ...more }, fence);
}

/** Uploads and commits a checkpoint. */
export async function checkpoint(process: Process, fence: Fence, job: string, bytes: string, more: object = {}) {
  const uploadId = await uploadBytes(process, fence, job, bytes);
  const answer = await process.call('POST', `${job}/checkpoints`, { uploadId, ...more }, fence);
  return { ...answer, uploadId };
}

export async function download(url: string): Promise<string> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`No download: ${response.status} ${await response.text()}`);
  return response.text();
}
