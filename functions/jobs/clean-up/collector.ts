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

import { isUnavailable } from '../../../store/store-errors.ts';
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
  /** Where the scheduled collector continues. */
  readProgress(): Promise<string | undefined>;
  writeProgress(after: string | undefined): Promise<void>;
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
  const prefix = group === undefined ? payloadPrefix : `${payloadPrefix}${group}/jobs/`;
  return collectListed(room, await room.payloads.list(prefix, after), dryRun);
}

async function collectListed(room: Collector, page: ListedPage, dryRun: boolean): Promise<Collected> {
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

export interface Run {
  scanned: number;
  orphans: number;
  bytes: number;
}

/** Three tries of a listing, a minute, and what is then done about its page. */
const pageMs = 100_000;

/**
 * The scheduled run over all groups: as many pages as the time allows; the next one continues where it stopped. It
 * stops, too, at a page that S3 does not list in time; the next one continues after the group that is in the way, whose
 * orphans wait for the next round.
 */
export async function collectAll(room: Collector, remainingMs: () => number): Promise<Run> {
  const run: Run = { scanned: 0, orphans: 0, bytes: 0 };
  let after = await room.registry.readProgress();
  do {
    const listed = await listedAfter(room, after);
    if (!listed) {
      await room.registry.writeProgress(await behindNext(room, after));
      return run;
    }
    const page = await collectListed(room, listed, false);
    run.scanned += page.scanned;
    run.orphans += page.orphans.length;
    run.bytes += page.orphans.reduce((sum, { bytes }) => sum + bytes, 0);
    after = page.next;
    await room.registry.writeProgress(after);
  } while (after !== undefined && remainingMs() > pageMs);
  return run;
}

async function listedAfter({ payloads }: Collector, after: string | undefined): Promise<ListedPage | undefined> {
  try {
    return await payloads.list(payloadPrefix, after);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    logger.error('Payloads could not be listed; the next run passes over the group that comes', {
      after,
      error: error as Error,
    });
    return undefined;
  }
}

/**
 * Behind all keys of the group that comes after the key, where no key can be: the rest of the key's own, and where that
 * was passed over already, the next one. S3 cannot say which that is. Undefined, which is the beginning, when there is
 * no other.
 */
async function behindNext({ registry }: Collector, key = ''): Promise<string | undefined> {
  const end = key.indexOf('/', payloadPrefix.length);
  if (end !== -1) return behind(key.slice(payloadPrefix.length, end));
  let next: string | undefined;
  for await (const name of registry.groups()) {
    // Names are ordered otherwise than keys, in which a `/` follows them.
    const passed = behind(name);
    if (passed > key && (next === undefined || passed < next)) next = passed;
  }
  return next;
}

/** In order of keys the character after `/` is `0`. */
const behind = (group: string) => `${payloadPrefix}${group}0`;
