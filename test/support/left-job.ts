import { BatchWriteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { v7 } from 'uuid';
import type { Job } from '../../functions/jobs/job.ts';
import { toItem } from '../../functions/jobs/job-item.ts';
import type { PayloadStore } from '../../functions/jobs/payloads/payload-store.ts';
import { payloadKey } from '../../functions/jobs/payloads/upload.ts';
import { type JobWorld, sha256 } from './job-world.ts';

/** A job that an earlier leader has left behind, with its payloads. */
export async function leaveJob(world: JobWorld, payloads: PayloadStore, group: string, jobId: string): Promise<void> {
  const payload = async (content: string) => {
    const payloadId = v7();
    await payloads.put(payloadKey(group, jobId, payloadId), Buffer.from(content), sha256(content));
    return { payloadId, bytes: content.length, sha256: sha256(content), committedAt: Date.now() };
  };
  const newest = { ...(await payload(`state of ${jobId}`)), checkpointId: 1 };
  const job: Job = {
    group,
    jobId,
    state: 'ACTIVE',
    fence: 1,
    graph: await payload(`graph of ${jobId}`),
    retain: 1,
    checkpoints: [newest],
    savepoints: [],
    commits: [newest],
    nextCheckpointId: 2,
    submittedAt: Date.now(),
    requestId: 'filled',
  };
  await world.other.send(new PutCommand({ TableName: world.table, Item: toItem(job) }));
}

/** Jobs that have finished and are cleaned up: only their results are left. */
export async function leaveFinished(world: JobWorld, group: string, jobIds: readonly string[]): Promise<void> {
  const requests = jobIds.map((jobId) => ({ PutRequest: { Item: toItem(finished(group, jobId)) } }));
  for (let from = 0; from < requests.length; from += 25) {
    const batch = { [world.table]: requests.slice(from, from + 25) };
    const { UnprocessedItems = {} } = await world.other.send(new BatchWriteCommand({ RequestItems: batch }));
    if (Object.keys(UnprocessedItems).length > 0) throw new Error('DynamoDB Local left a part of the batch out');
  }
}

const finished = (group: string, jobId: string): Job => ({
  group,
  jobId,
  state: 'CLEANED',
  fence: 1,
  retain: 1,
  checkpoints: [],
  savepoints: [],
  commits: [],
  nextCheckpointId: 1,
  submittedAt: Date.now(),
  requestId: 'filled',
  result: { outcome: 'succeeded', finishedAt: Date.now(), requestId: 'filled' },
});

/** Names of so many jobs, in the order in which they are recovered. */
export function jobNames(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `job-${String(at).padStart(6, '0')}`);
}
