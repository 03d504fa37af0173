import { createHash } from 'node:crypto';
import type * as z from 'zod/mini';
import { showCheckpoint } from '../../../api/operations/checkpoints.ts';
import { listJobs, showJob, type shownJob } from '../../../api/operations/jobs.ts';
import { listLogs } from '../../../api/operations/log.ts';
import { download, ReplicatedLog, type TenureClient } from '../../../client/index.ts';

type Job = z.output<typeof shownJob>;

export interface LogContent {
  readonly begin: number;
  readonly end: number;
  readonly entries: ReadonlyMap<number, string>;
}

export interface GroupContent {
  /** As shown, without the addresses. */
  readonly jobs: ReadonlyMap<string, Job>;
  /** SHA-256 of what was downloaded, by job and `graph` or the id of the checkpoint. */
  readonly payloads: ReadonlyMap<string, string>;
  readonly logs: ReadonlyMap<string, LogContent>;
}

/** All of a group that its API shows; each payload is downloaded. */
export async function contentOf(client: TenureClient, group: string): Promise<GroupContent> {
  const jobs = new Map<string, Job>();
  const payloads = new Map<string, string>();
  for await (const { jobId } of client.items(listJobs, { params: { group }, query: { limit: 3 } })) {
    const { graph, ...job } = await client.call(showJob, { params: { group, job: jobId } });
    if (graph?.url) payloads.set(`${jobId}/graph`, await digestOf({ ...graph, url: graph.url }));
    jobs.set(jobId, { ...job, graph: graph && { ...graph, url: undefined } });
    for (const { checkpointId } of [...job.checkpoints, ...job.savepoints]) {
      const shown = await client.call(showCheckpoint, { params: { group, job: jobId, checkpoint: checkpointId } });
      payloads.set(`${jobId}/${checkpointId}`, await digestOf(shown));
    }
  }
  const logs = new Map<string, LogContent>();
  for await (const { log } of client.items(listLogs, { params: { group } })) {
    logs.set(log, await logContent(new ReplicatedLog({ client, group, log })));
  }
  return { jobs, payloads, logs };
}

async function logContent(log: ReplicatedLog): Promise<LogContent> {
  const { begin, end } = await log.status();
  const entries = new Map<number, string>();
  for await (const { position, data } of log.read()) entries.set(position, Buffer.from(data).toString());
  return { begin, end, entries };
}

/** `download` itself compares with the digest that the service answers. */
async function digestOf(payload: Parameters<typeof download>[0]): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of download(payload)) hash.update(piece);
  return hash.digest('hex');
}
