import { expect, test } from 'vitest';
import {
  BackupWorker,
  CheckpointStore,
  JobRegistry,
  type LeaderElector,
  ReplicatedLog,
  TenureClient,
} from '../../../../client/index.ts';
import { contestant } from '../leadership/contestant.ts';

interface Sent {
  readonly path: string;
  readonly version: string | null;
}

/** A client whose requests are noted and refused. */
function noted() {
  const sent: Sent[] = [];
  const client = new TenureClient({
    url: 'http://fake',
    fetch: async (url, init) => {
      sent.push({ path: new URL(String(url)).pathname, version: new Headers(init?.headers).get('Fencing-Version') });
      return new Response(JSON.stringify({ code: 'not_found', detail: 'no', retryable: false }), { status: 404 });
    },
  });
  return { client, sent };
}

const refused = (call: Promise<unknown>) => expect(call).rejects.toMatchObject({ code: 'not_found' });

async function each(elector: LeaderElector): Promise<Sent[]> {
  const { client, sent } = noted();
  await refused(new JobRegistry({ client, term: elector }).submit('job', Buffer.from('graph')));
  await refused(new CheckpointStore({ client, term: elector, jobId: 'job' }).add(Buffer.from('state')));
  const log = new ReplicatedLog({ client, group: elector.group, log: 'events' });
  await refused(log.writer({ term: elector }).append(['an entry']));
  return sent;
}

test('an elector stands for the term in which it leads, and for none while it does not', async () => {
  const { elector, time } = contestant('a');
  await expect(each(elector)).rejects.toMatchObject({
    code: 'leadership_lost',
    message: 'The elector of orders does not lead now.',
  });
  elector.start();
  await time.advance(500);
  const version = String(elector.term?.fencingVersion);
  expect(await each(elector)).toEqual([
    { path: '/v1/groups/orders/jobs/job', version },
    { path: '/v1/groups/orders/jobs/job/checkpoints', version },
    { path: '/v1/groups/orders/logs/events/writer', version },
  ]);
});

test('a later term of the elector is never taken for the one that was given', async () => {
  const { elector, link, time } = contestant('a');
  elector.start();
  await time.advance(500);
  const { client, sent } = noted();
  const jobs = new JobRegistry({ client, term: elector });
  link.offline = true;
  await time.advance(20_000);
  link.offline = false;
  await time.advance(20_000);
  expect(elector.term?.fencingVersion).toBe(2);
  await expect(jobs.submit('job', Buffer.from('graph'))).rejects.toMatchObject({ code: 'leadership_lost' });
  expect(sent).toEqual([]);
});

test('a worker takes the backups of the group of an elector or of a term', async () => {
  const { elector, time } = contestant('a');
  elector.start();
  await time.advance(500);
  const term = elector.term ?? expect.fail('it leads');
  for (const group of ['orders', elector, term]) {
    const { client, sent } = noted();
    const worker = new BackupWorker({ client, group, workerId: 'w1', hooks: { onError: () => {} } });
    worker.start();
    await expect.poll(() => sent[0]?.path).toBe('/v1/groups/orders/workers/w1');
    await worker.close();
  }
});
