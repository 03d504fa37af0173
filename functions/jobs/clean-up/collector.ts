/**
 * The orphan collector deletes payloads that nothing refers to: of uploads that were never committed, of commits that
 * failed or whose outcome nobody knows, of deletes that were lost.
 *
 *   upload begins          12 h: too old to be committed       24 h (grace): collected if nothing refers to it
 *   ├──────────────────────┤───────────────────────────────────┤
 *
 * A reference is only ever added to an upload younger than 12 hours, and once dropped never comes back. So what is
 * older than the grace and not referred to in a consistent read is an orphan for good.
 */

import { logger } from '../../platform/logging.ts';
import { count } from '../../platform/metrics.ts';
import type { Checkpoints } from '../checkpoints.ts';
import { isDamaged, type JobRecord, referredPayloads } from '../job.ts';
import { deletesHeld } from '../payloads/held-deletes.ts';
import type { Listed, ListedPage } from '../payloads/payload-store.ts';
import { payloadPrefix, readPayloadKey } from '../payloads/upload.ts';

export interface Collector extends Pick<Checkpoints, 'payloads' | 'held' | 'clock'> {
  readonly registry: CollectorStore;
  /** Payloads younger than this are left alone, ms. Below 12 h only when nobody writes. */
  readonly graceMs: number;
}

export interface CollectorStore {
  /** Consistent, by up to 100 jobs a request; a job that is not there is left out. */
  readJobs(names: readonly { group: string; jobId: string }[]): Promise<JobRecord[]>;
  /** The key behind which the scheduled collector continues; of a group, where it left that for the next one's turn. */
  readPlace(group?: string): Promise<string | undefined>;
  writePlace(after: string | undefined, group?: string): Promise<void>;
  /** The names of all groups that anybody has led, eventually consistent. */
  groups(): AsyncIterable<string>;
}

export interface Collected {
  readonly orphans: Listed[];
  readonly scanned: number;
  readonly held: boolean;
  /** Key after which the next page continues; undefined after the last. */
  readonly next?: string | undefined;
}

/** Looks at one page, up to 1,000 payloads, of one group or of all. With `dryRun` nothing is deleted. */
export async function collectPage(
  room: Collector,
  { group, after, dryRun }: { group?: string | undefined; after?: string | undefined; dryRun: boolean },
): Promise<Collected> {
  return collectListed(room, await room.payloads.list(prefixOf(group), after), dryRun);
}

/** Of the payloads of one group, or of all. */
export const prefixOf = (group?: string) => (group === undefined ? payloadPrefix : `${payloadPrefix}${group}/jobs/`);

/** The same with a page that is listed already. */
export async function collectListed(room: Collector, page: ListedPage, dryRun: boolean): Promise<Collected> {
  const oldest = room.clock.now() - room.graceMs;
  const candidates = page.items.flatMap((item) => {
    const payload = item.modifiedAt <= oldest ? readPayloadKey(item.key) : undefined;
    return payload ? [{ ...payload, item }] : [];
  });
  const groups = [...new Set(candidates.map((candidate) => candidate.group))];
  const heldGroups = new Set<string>();
  for (const one of groups) if (await deletesHeld(room, one)) heldGroups.add(one);
  const free = candidates.filter((candidate) => !heldGroups.has(candidate.group));
  const kept = await keptPayloads(room, free);
  const orphans = free.filter(({ group: g, jobId, payloadId }) => !kept(g, jobId, payloadId)).map(({ item }) => item);
  if (!dryRun && orphans.length > 0) {
    const left = await room.payloads.discard(orphans.map(({ key }) => key));
    logger.info('Orphans collected', { orphans: orphans.length, left: left.length });
    count('OrphansCollected', { value: orphans.length - left.length });
  }
  const next = page.more ? page.items.at(-1)?.key : undefined;
  return { orphans, scanned: page.items.length, held: heldGroups.size > 0, next };
}

/** A job that is unreadable, or held by a backup, may refer to anything. */
async function keptPayloads({ registry }: Collector, candidates: readonly { group: string; jobId: string }[]) {
  const key = (group: string, jobId: string) => `${group}/${jobId}`;
  const names = new Map(candidates.map(({ group, jobId }) => [key(group, jobId), { group, jobId }]));
  const records = await registry.readJobs([...names.values()]);
  const referred = new Map(
    records.map((job) => {
      const everything = isDamaged(job) || job.heldBy !== undefined || hasMalformed(job);
      return [key(job.group, job.jobId), everything ? undefined : referredPayloads(job)];
    }),
  );
  return (group: string, jobId: string, payloadId: string) => {
    if (!referred.has(key(group, jobId))) return false;
    return referred.get(key(group, jobId))?.has(payloadId) ?? true;
  };
}

function hasMalformed(job: Exclude<JobRecord, { damage: string }>): boolean {
  const unknown = [...job.checkpoints, ...job.savepoints].some((ref) => ref.payloadId === undefined);
  return unknown || (job.state === 'ACTIVE' && job.graph === undefined);
}
