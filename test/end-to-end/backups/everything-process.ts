/**
 * Uses each class that has timers, sockets or requests that wait, closes or ends it, and has nothing left to do then:
 * `everything-process.js URL GROUP`. It prints whether it was left as many listeners for signals as it had.
 */
import { once } from 'node:events';
import {
  BackupWorker,
  CheckpointStore,
  JobRegistry,
  LeaderElector,
  LeaderWatcher,
  ReplicatedLog,
  TenureClient,
  type Term,
  withLock,
} from '../../../client/index.ts';

const [url = '', group = ''] = process.argv.slice(2);
const client = new TenureClient({ url });
const events = ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit', 'beforeExit', 'uncaughtException', 'unhandledRejection'];
const listeners = () => events.map((name) => process.listenerCount(name)).join();
const before = listeners();

async function lead(term: Term): Promise<void> {
  const jobs = new JobRegistry({ client, term });
  await jobs.submit('job', Buffer.from('graph'));
  await new CheckpointStore({ client, term, jobId: 'job' }).add(Buffer.from('state'));
  const log = new ReplicatedLog({ client, group, log: 'log' });
  await log.create();
  await log.writer({ term }).append(['an entry']);
  const ending = new AbortController();
  for await (const _entry of log.tail({ signal: ending.signal })) ending.abort();
  const worker = new BackupWorker({ client, group, workerId: 'worker' });
  worker.start();
  for await (const { leader } of new LeaderWatcher({ client, group })) if (leader) break;
  await worker.close();
}

// One that waits while another leads, and one that reaches nothing.
const waiting = new LeaderElector({ client, group });
const lost = new LeaderElector({ client: new TenureClient({ url: 'http://127.0.0.1:9' }), group, onError: () => {} });
await withLock(client, `${group}-lock`, async () => {});
const led = new EventTarget();
const elector = new LeaderElector({
  client,
  group,
  async lead(term) {
    waiting.start();
    lost.start();
    await lead(term);
    led.dispatchEvent(new Event('over'));
  },
  onError: (error) => console.error(String(error)),
});
const over = once(led, 'over');
elector.start();
await over;
for (const one of [waiting, lost, elector]) await one.close();
console.log(`closed ${listeners() === before}`);
