import { beginUpload, submitJob } from '../../../api/operations/jobs.ts';
import { createLog, electWriter } from '../../../api/operations/log.ts';
import { initializeReplica } from '../../../api/operations/log-replicas.ts';
import { registerWorker } from '../../../api/operations/workers.ts';
import { TenureClient } from '../../../client/index.ts';
import type { Known } from '../../support/fuzz/requests.ts';

/** Fills a group with one thing of each kind, and names them as the catalogue's parameters and headers are called. */
export async function prepare(api: string, group: string, { log = false } = {}): Promise<Known> {
  const client = new TenureClient({ url: api });
  const fence = await client.contend(group, { contenderId: 'leader', leaseMs: 3_600_000 });
  await client.confirm(group, fence, { address: 'leader:1' });
  const params = { group, job: 'nightly' };
  await client.call(submitJob, { params, fence, body: { graph: { inline: 'aGk=' }, retain: 4 } });
  const upload = await client.call(beginUpload, { params, fence, body: { purpose: 'checkpoint' } });
  await client.call(registerWorker, { params: { group, worker: 'standby' }, body: { host: 'h' } });
  const known = {
    group,
    job: 'nightly',
    upload: upload.uploadId,
    checkpoint: '1',
    savepoint: '1',
    worker: 'standby',
    'Fencing-Version': String(fence.fencingVersion),
    'Leader-Session': fence.sessionId,
  };
  return log ? { ...known, ...(await withLog(client, group)) } : known;
}

async function withLog(client: TenureClient, group: string): Promise<Known> {
  const params = { group, log: 'journal' };
  await client.call(createLog, { params, body: { autoInitialize: false } });
  for (const replica of ['1', '2', '3'])
    await client.call(initializeReplica, { params: { ...params, replica }, body: {} });
  const { writerId } = await client.call(electWriter, { params, body: {} });
  return { log: 'journal', 'Log-Writer': writerId };
}
