/** Reads what an explanation is made from, each list once and at the same time. */
import type { Operation } from '../../api/operation.ts';
import { listBackups } from '../../api/operations/backups.ts';
import { listJobs } from '../../api/operations/jobs.ts';
import { journal as readJournal } from '../../api/operations/journal.ts';
import { terms as listTerms } from '../../api/operations/leadership.ts';
import { listLogs } from '../../api/operations/log.ts';
import { getRestore } from '../../api/operations/restore.ts';
import type {
  Backup,
  Facts,
  Job,
  Journal,
  Log,
  PublishedEvent,
  Restore,
  Term,
  Unanswered,
} from '../../client/explain/facts.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { TenureError } from '../../client/tenure-error.ts';
import type { EventSource } from '../events/bus-event.ts';

/** Enough for a group that changes its leader every ten seconds for three hours. */
const mostItems = 1_000;

/**
 * A part that the caller may not read, or that is refused at the moment, is left out by name.
 *
 * @throws TenureError `unreachable` when nothing answers.
 */
export async function gather(
  client: TenureClient,
  group: string,
  sinceMs: number,
  events?: EventSource,
): Promise<Facts> {
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
  const [leadership, terms, jobs, logs, backups, journal, published] = await Promise.all([
    part('leadership', () => client.observe(group, { consistent: true })),
    part('terms', () => list<Term>(listTerms, ({ confirmedAt }) => Date.parse(confirmedAt) < since)),
    part('jobs', () => list<Job>(listJobs)),
    part('logs', () => list<Log>(listLogs)),
    part('backups', () => list<Backup>(listBackups, ({ startedAt }) => Date.parse(startedAt) < since)),
    part('journal', () =>
      client.call(readJournal, { params: { group }, query: { since: new Date(since).toISOString() } }),
    ),
    events && eventsOf(events, group, since).catch((error: Error) => unread(unanswered, error)),
  ]);
  const restores = await part('restores', () => restoresIn(client, group, journal));
  const lists = { terms: terms ?? [], jobs: jobs ?? [], logs: logs ?? [], backups: backups ?? [] };
  return {
    group,
    now: client.time.now(),
    since,
    leadership,
    ...lists,
    journal,
    restores,
    events: published,
    unanswered,
  };
}

const mostRestores = 5;

async function restoresIn(client: TenureClient, group: string, journal: Journal | undefined): Promise<Restore[]> {
  const begun = (journal?.items ?? []).flatMap(({ happened }) =>
    happened.filter(({ what }) => what === 'restore-begun'),
  );
  const ids = [...new Set(begun.map(({ details }) => String(details.restoreId)))].slice(-mostRestores);
  return Promise.all(ids.map((restore) => client.call(getRestore, { params: { group, restore } })));
}

/** A log of events that cannot be read leaves its part out; what was not written yet is no part. */
function unread(unanswered: Unanswered[], { name, message }: Error): undefined {
  if (name !== 'UsageError') unanswered.push({ asked: 'events', code: name, message });
}

async function eventsOf(source: EventSource, group: string, since: number): Promise<PublishedEvent[]> {
  const found: PublishedEvent[] = [];
  for await (const { detail, ...event } of source.events(since, false, new AbortController().signal)) {
    if (detail.group === group) found.push({ type: event['detail-type'], ...detail });
    if (found.length > mostItems) found.shift();
  }
  return found;
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
