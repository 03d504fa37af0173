import { randomUUID } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { checkpointRoutes } from '../../../functions/jobs/checkpoint-routes.ts';
import { CheckpointTable } from '../../../functions/jobs/checkpoint-table.ts';
import { cleanUpTable } from '../../../functions/jobs/clean-up/clean-up-table.ts';
import { CollectorTable } from '../../../functions/jobs/clean-up/collector-table.ts';
import { JobTable } from '../../../functions/jobs/job-table.ts';
import { heldDeletesTable } from '../../../functions/jobs/payloads/held-deletes-table.ts';
import { payloadBucket } from '../../../functions/jobs/payloads/payload-bucket.ts';
import { payloadKey } from '../../../functions/jobs/payloads/upload.ts';
import { jobRoutes } from '../../../functions/jobs/routes.ts';
import { contendRoutes, leaseRoutes } from '../../../functions/leadership/routes.ts';
import { logRoutes } from '../../../functions/log/routes.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { logsOn } from '../../../log/log-room.ts';
import { initialize } from '../../../log/protocol/initialize.ts';
import { WriterMemories } from '../../../log/writer-memories.ts';
import { systemClock } from '../../../store/clock.ts';
import { sha256 } from '../../support/job-world.ts';
import { type Answered, type Call, fenced, handlerOf, type Invoke } from './invoke.ts';

/** Does one thing through a handler; what has to happen before it, and is not measured, has happened. */
export interface Operation {
  prepare(): Promise<void>;
  /** Returns the ms from the event to the answer. */
  act(): Promise<number>;
}

/** Where the handlers find their stores: the main table's client is recorded, those of S3 and the replicas too. */
export interface Stores {
  table: string;
  documents: DynamoDBDocumentClient;
  bucket: string;
  objects: S3Client;
  replicas: { client: DynamoDBDocumentClient; table: string }[];
}

const group = '/v1/groups/bench';
const leadership = `${group}/leadership`;
const leaseMs = 3_600_000;

async function ok(invoke: Invoke, call: Call, status = 200) {
  const { body } = await answered(invoke, call, status);
  return body;
}

async function timed(invoke: Invoke, call: Call, status = 200): Promise<number> {
  const { tookMs } = await answered(invoke, call, status);
  return tookMs;
}

async function answered(invoke: Invoke, call: Call, status: number): Promise<Answered> {
  const answer = await invoke(call);
  if (answer.status === status) return answer;
  throw new Error(`${call.path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}

/** The operations by name; a leader of group "bench" is in office when this answers. */
export async function operations(stores: Stores): Promise<Map<string, Operation>> {
  const { table, documents } = stores;
  const store = leaseTable(documents, table);
  const room = { store, clock: systemClock, maxClockSkewMs: 250 };
  const contend = handlerOf(contendRoutes(room));
  const lease = handlerOf(leaseRoutes(room));
  const lead = () =>
    ok(contend, { method: 'POST', path: `${leadership}/contend`, body: { contenderId: 'leader', leaseMs } });
  const leader = await lead();
  await ok(lease, {
    method: 'POST',
    path: `${leadership}/confirm`,
    headers: fenced(leader),
    body: { address: 'http://leader' },
  });
  const nothing = async () => {};
  const renewal = { address: 'http://leader', leaseMs };
  const made = new Map<string, Operation>([
    [
      'contend for a lease that is held',
      {
        prepare: nothing,
        act: () =>
          timed(contend, { method: 'POST', path: `${leadership}/contend`, body: { contenderId: 'other' } }, 409),
      },
    ],
    [
      'renew',
      {
        prepare: nothing,
        act: () =>
          timed(lease, { method: 'POST', path: `${leadership}/renew`, headers: fenced(leader), body: renewal }),
      },
    ],
  ]);
  made.set('commit a checkpoint', await checkpointing(stores, leader));
  made.set('append one entry of 1 KB to a log of three replicas', await appending(stores, leader));
  return made;
}

type Leader = Parameters<typeof fenced>[0];

async function checkpointing({ table, documents, bucket, objects }: Stores, leader: Leader): Promise<Operation> {
  const room = {
    jobs: new JobTable(documents, table),
    checkpoints: new CheckpointTable(documents, table),
    held: heldDeletesTable(documents, table),
    cleanUps: cleanUpTable(documents, table),
    registry: new CollectorTable(documents, table),
    payloads: payloadBucket(objects, bucket),
    readLeadership: (name: string) => leaseTable(documents, table).read(name, true),
    clock: systemClock,
    resultRetentionDays: 7,
    mostJobs: 10_000,
    graceMs: leaseMs,
  };
  const invoke = handlerOf([...jobRoutes(room), ...checkpointRoutes(room)]);
  const job = `${group}/jobs/job`;
  const headers = fenced(leader);
  const graph = { inline: Buffer.from('graph').toString('base64') };
  await ok(invoke, { method: 'PUT', path: job, headers, body: { graph, retain: 3 } }, 201);
  let uploadId = '';
  return {
    async prepare() {
      const state = randomUUID();
      const body = { purpose: 'checkpoint', bytes: state.length, sha256: sha256(state) };
      const upload = await ok(invoke, { method: 'POST', path: `${job}/uploads`, headers, body });
      await room.payloads.put(payloadKey('bench', 'job', upload.uploadId), Buffer.from(state), sha256(state));
      uploadId = upload.uploadId;
    },
    act: () => timed(invoke, { method: 'POST', path: `${job}/checkpoints`, headers, body: { uploadId } }, 201),
  };
}

async function appending({ table, documents, replicas }: Stores, leader: Leader): Promise<Operation> {
  const logs = logsOn({ client: documents, table, replicas });
  const absent = () => Promise.reject(new Error('No replica of a bench needs recovery'));
  const room = {
    ...logs,
    leases: leaseTable(documents, table),
    memories: new WriterMemories(),
    workflow: { start: absent, stop: absent },
  };
  const invoke = handlerOf(logRoutes(room));
  const log = `${group}/logs/journal`;
  await logs.create({ group: 'bench', log: 'journal', autoInitialize: true, createdAt: Date.now() });
  const parts = await logs.open('bench', 'journal');
  for (const replica of parts.replicas) await initialize(parts, replica, false);
  const { writerId } = await ok(invoke, { method: 'POST', path: `${log}/writer`, headers: fenced(leader), body: {} });
  const headers = { 'log-writer': writerId };
  const body = { entries: [Buffer.alloc(1_024, 'x').toString('base64')] };
  return {
    prepare: async () => {},
    act: () => timed(invoke, { method: 'POST', path: `${log}/entries`, headers, body }, 201),
  };
}
