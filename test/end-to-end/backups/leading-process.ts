/**
 * Leads a group and appends to its log "events" as long as it does: `node --import tsx leading-process.ts URL GROUP`.
 * It writes down each position that was acknowledged.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { LeaderElector, ReplicatedLog, TenureClient, type Term } from '../../../client/index.ts';

const [url = '', group = ''] = process.argv.slice(2);
const client = new TenureClient({ url });
const onError = (error: unknown) => console.error(String(error));

async function write(term: Term): Promise<void> {
  const log = new ReplicatedLog({ client, group, log: 'events' });
  await log.create();
  const writer = log.writer({ term });
  for (;;) {
    const { last } = await writer.append(['an entry']);
    console.log(`acknowledged ${last}`);
    await pause(500);
  }
}

const onGranted = (term: Term) => void write(term).catch(onError);
const lease = { leaseMs: 3_000, address: 'here' };
new LeaderElector({ client, group, contenderId: 'leader', ...lease, onGranted, onError }).start();
