/** The scene for the console: one busy application among other groups, as a team would run them. */
import { setTimeout as pause } from 'node:timers/promises';
import { createBackup } from '../../../api/operations/backups.ts';
import { JobRegistry, LeaderElector, ReplicatedLog, type TenureClient, type Term } from '../../../client/index.ts';

export interface Contender {
  readonly elector: LeaderElector;
  /** Settles with the term once it leads. */
  readonly leads: Promise<Term>;
}

/** Starts a contender of the group, which leads until it is closed. */
export function contender(client: TenureClient, group: string, contenderId: string, leaseMs: number): Contender {
  let granted: (term: Term) => void = () => {};
  const leads = new Promise<Term>((resolve) => {
    granted = resolve;
  });
  const elector = new LeaderElector({
    client,
    group,
    contenderId,
    leaseMs,
    address: `ip-10-0-1-${20 + contenderId.length}.internal:7001`,
    metadata: { version: '2.4.1' },
    onGranted: (term) => granted(term),
    onError: () => {},
  });
  elector.start();
  return { elector, leads };
}

/** A job with checkpoints that grow, as those of a streaming application do. */
export async function jobWithCheckpoints(client: TenureClient, term: Term, jobId: string, count: number) {
  const jobs = new JobRegistry({ client, term });
  const store = await jobs.submit(jobId, Buffer.from('{"graph":"orders by hour"}'), { retain: 24 });
  for (let n = 1; n <= count; n += 1) {
    await store.add(Buffer.alloc(20_000 + 900 * n + 7_000 * (n % 5), 'x'), { metadata: { offset: 1_000 * n } });
    await pause(20);
  }
}

export async function logWithEntries(client: TenureClient, term: Term, log: string, count: number) {
  const replicated = new ReplicatedLog({ client, group: term.group, log });
  await replicated.create();
  const writer = replicated.writer({ term });
  const entries = Array.from({ length: count }, (_, at) => Buffer.from(`{"order":${at}}`));
  await writer.append(entries);
}

export function takeBackup(client: TenureClient, group: string, options: object = {}) {
  return client.call(createBackup, { params: { group }, body: options });
}

/** Groups that somebody leads for the whole test, without a renewal. */
export async function ledGroups(client: TenureClient, names: readonly string[], leaseMs = 600_000): Promise<void> {
  await Promise.all(
    names.map(async (group, at) => {
      const fence = await client.contend(group, { contenderId: `worker-${(at % 3) + 1}`, leaseMs });
      await client.confirm(group, fence, { address: `ip-10-0-2-${10 + at}.internal:7001` });
    }),
  );
}

/** A group with a fail-over from a to b, a job, a log and a backup; returns those who lead and wait. */
export async function busyGroup(client: TenureClient, group: string): Promise<Contender[]> {
  const fence = await client.contend(group, { contenderId: 'a', leaseMs: 2_000 });
  await client.confirm(group, fence, { address: 'ip-10-0-1-21.internal:7001' });
  const successor = contender(client, group, 'b', 60_000);
  const term = await successor.leads;
  const waiting = contender(client, group, 'c', 60_000);
  await jobWithCheckpoints(client, term, 'hourly-totals', 18);
  await logWithEntries(client, term, 'events', 40);
  await takeBackup(client, group, { bypassDelegation: true, runAsync: false });
  return [successor, waiting];
}
