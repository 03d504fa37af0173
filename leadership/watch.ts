/**
 * Waiting for a change of who leads, in place of polling for it. A held request looks at the record four times a
 * second, and occupies an instance of its function for as long as it is held: so a caller has one of them at a time,
 * and a function of its own serves them, since leaders' renewals must not queue behind them.
 *
 * An eventually consistent look may be older than what the caller has seen. Before a change is answered it is read
 * again, consistently: what a follower is shown never goes back.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { observedAddresses } from './addresses.ts';
import { toObservation } from './history.ts';
import type { Leadership } from './leadership.ts';
import type { LeadershipRecord } from './lease.ts';
import { revisionOf } from './revision.ts';

/** How often a held request looks at the record, ms. */
const lookEveryMs = 250;

/** Remembers who has a request held, over all instances of the function. */
export interface Watches {
  /** False when another request of the caller is held. */
  hold(group: string, caller: string, now: number, until: number): Promise<boolean>;
  /** The hold that ends `until` is over before. */
  end(group: string, caller: string, until: number): Promise<void>;
}

export interface Watching extends Leadership {
  readonly watches: Watches;
}

interface Awaited {
  /** The newest state that the caller has seen: one of the two, or neither for an answer at once. */
  readonly afterVersion?: number | undefined;
  readonly afterRevision?: string | undefined;
  readonly waitMs: number;
  readonly consistent: boolean;
  readonly caller: string;
}

/** The confirmed leader or none, as it is now. */
export async function observe(leadership: Leadership, group: string, consistent: boolean) {
  return shown(leadership, group, await leadership.store.read(group, consistent), consistent);
}

/**
 * The same once it differs from what the caller has seen, or when `waitMs` have passed. Held one request at a time for
 * each caller; another one is answered at once, with `held: false`.
 */
export async function watch(watching: Watching, group: string, awaited: Awaited) {
  const { store, clock, watches } = watching;
  const { caller, waitMs, consistent } = awaited;
  const first = await store.read(group, consistent);
  if (waitMs <= 0 || isNews(first, awaited, clock.now())) return shown(watching, group, first, consistent);
  const now = clock.now();
  const until = now + waitMs;
  if (!(await watches.hold(group, caller, now, until)))
    return { ...(await shown(watching, group, first, consistent)), held: false };
  const { record, isChanged } = await nextRecord(watching, group, awaited, first);
  if (isChanged) await watches.end(group, caller, until);
  return { ...(await shown(watching, group, record, isChanged || consistent)), held: true };
}

async function nextRecord(
  { store, clock }: Watching,
  group: string,
  awaited: Awaited,
  seen: LeadershipRecord | undefined,
) {
  let record = seen;
  const until = performance.now() + awaited.waitMs;
  for (let leftMs = awaited.waitMs; leftMs > 0; leftMs = until - performance.now()) {
    await pause(Math.min(lookEveryMs, leftMs));
    record = await store.read(group, awaited.consistent);
    if (!isNews(record, awaited, clock.now())) continue;
    if (!awaited.consistent) record = await store.read(group, true);
    if (isNews(record, awaited, clock.now())) return { record, isChanged: true };
  }
  return { record, isChanged: false };
}

function isNews(record: LeadershipRecord | undefined, { afterVersion, afterRevision }: Awaited, now: number): boolean {
  if (afterVersion !== undefined) return (record?.fencingVersion ?? 0) > afterVersion;
  return afterRevision === undefined || revisionOf(record, now) !== afterRevision;
}

async function shown(leadership: Leadership, group: string, record: LeadershipRecord | undefined, consistent: boolean) {
  const addresses = await observedAddresses(leadership, group, record, consistent);
  return toObservation(record, addresses, leadership.clock.now(), leadership.maxClockSkewMs);
}
