/**
 * Sends invoices, one leader at a time: an elector, a job, a log and a fence in one program. Start it several times,
 * kill the one that leads.
 *
 *   BILLING_URL=http://127.0.0.1:9000 npx tsx examples/billing/billing.ts GROUP HOW-MANY
 */
import { JobRegistry, LeaderElector, type RecoveredJob, ReplicatedLog, TenureClient, type Term } from 'tenure';
import { fencedFetch } from 'tenure/fence';

const [group = 'billing', howMany = '10'] = process.argv.slice(2);
const client = new TenureClient();
const log = new ReplicatedLog({ client, group, log: 'sent' });

/**
 * Claims the job before the leader is shown: no older leader can write to it any more. The first leader of all submits
 * it.
 */
async function claim(term: Term): Promise<RecoveredJob[]> {
  const registry = new JobRegistry({ client, term });
  if ((await registry.list().next()).done) {
    await registry.submit('invoices', JSON.stringify({ howMany: Number(howMany) }));
  }
  const claimed: RecoveredJob[] = [];
  for await (const job of registry.recover()) claimed.push(job);
  return claimed;
}

/** Continues behind the last checkpoint, until all invoices are sent or the term is over. */
async function sendInvoices(term: Term, job: RecoveredJob): Promise<void> {
  const sent = log.writer({ term });
  const send = fencedFetch(term);
  const graph = JSON.parse(Buffer.from(await job.readGraph()).toString()) as { howMany: number };
  const state = await job.readCheckpoint();
  for (let number = state ? Number(Buffer.from(state)) + 1 : 1; number <= graph.howMany; number += 1) {
    // An invoice sent just before a crash is sent again: the service knows it by its number. A deposed leader it
    // refuses.
    const { status } = await send(`${process.env['BILLING_URL']}/invoices/${number}`, { method: 'PUT' });
    if (status !== 200) throw new Error(`invoice ${number} was refused with ${status}`);
    await sent.append([Buffer.from(`${number}`)]);
    await job.checkpoints.add(`${number}`);
    console.log(`term ${term.fencingVersion}: sent invoice ${number}`);
  }
  await new JobRegistry({ client, term }).finish(job.jobId, 'succeeded');
}

let jobs: RecoveredJob[] = [];
const elector = new LeaderElector({
  client,
  group,
  leaseMs: 5_000,
  async prepare(term) {
    await log.create();
    jobs = await claim(term);
  },
  async lead(term) {
    for (const job of jobs) await sendInvoices(term, job);
    console.log('done');
    await elector.close();
  },
  onError: (error) => console.error(`${error}`),
});
elector.start();
