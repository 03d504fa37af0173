/** Reads what an explanation is made from, each list once and at the same time. */
import type { Operation } from '../../api/operation.ts';
import { listBackups } from '../../api/operations/backups.ts';
import { listJobs } from '../../api/operations/jobs.ts';
import { terms as listTerms } from '../../api/operations/leadership.ts';
import { listLogs } from '../../api/operations/log.ts';
import type { Backup, Facts, Job, Log, Term, Unanswered } from '../../client/explain/facts.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { TenureError } from '../../client/tenure-error.ts';

/** Enough for a group that changes its leader every ten seconds for three hours. */
const mostItems = 1_000;

/**
 * A part that the caller may not read, or that is refused at the moment, is left out by name.
 *
 * @throws TenureError `unreachable` when nothing answers.
 */
export async function gather(client: TenureClient, group: string, sinceMs: number): Promise<Facts> {
  const unanswered: Unanswered[] = [];
  const part = async <Value>(asked: string, read: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof TenureError) || error.code === 'unreachable') throw error;
      unanswered.push({ asked, code: error.code, message: error.message });
      return undefined;
    }
  };
  const now = client.time.now();
  const since = now - sinceMs;
  const list = <Item>(operation: Operation, isEnough: (item: Item) => boolean = () => false) =>
    itemsOf<Item>(client, operation, group, isEnough);
  const [leadership, terms, jobs, logs, backups] = await Promise.all([
    part('leadership', () => client.observe(group, { consistent: true })),
    part('terms', () => list<Term>(listTerms, ({ confirmedAt }) => Date.parse(confirmedAt) < since)),
    part('jobs', () => list<Job>(listJobs)),
    part('logs', () => list<Log>(listLogs)),
    part('backups', () => list<Backup>(listBackups, ({ startedAt }) => Date.parse(startedAt) < since)),
  ]);
  const lists = { terms: terms ?? [], jobs: jobs ?? [], logs: logs ?? [], backups: backups ?? [] };
  return { group, now: client.time.now(), since, leadership, ...lists, unanswered };
}

/** Up to the first item that is enough, that included. */
async function itemsOf<Item>(
  client: TenureClient,
  operation: Operation,
  group: string,
  isEnough: (item: Item) => boolean,
): Promise<Item[]> {
  const found: Item[] = [];
  const items = client.items(operation as never, { params: { group } }) as AsyncIterable<Item>;
  for await (const item of items) {
    found.push(item);
    if (isEnough(item) || found.length >= mostItems) break;
  }
  return found;
}
