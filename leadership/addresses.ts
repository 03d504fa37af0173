/**
 * Named addresses of a term: where the parts of the leading application are reached. They have an item of their own, so
 * that a renewal stays one write unit; the leadership record counts their changes, so that one who observes reads them
 * only when there are any, and a term that ended publishes none.
 */
import type { Fence } from '../api/fence.ts';
import { mostAddresses } from '../api/operations/leadership.ts';
import { limitReached, ProblemError } from '../api/problem.ts';
import { retryConflicts } from '../store/retry-conflicts.ts';
import { timely } from '../store/timely.ts';
import { type Leadership, termLost } from './leadership.ts';
import { isLive, type LeadershipRecord, shownLeader } from './lease.ts';
import type { Addresses, PublishedAddresses } from './lease-store.ts';

/** Against renewals, a confirmation and other addresses of the same leader. */
const changeTries = 8;

/** Publishes the address under the name, in place of the one before. Throws `leadership_lost`, `limit_reached`. */
export function publishAddress(
  leadership: Leadership,
  group: string,
  fence: Fence,
  name: string,
  address: string,
): Promise<void> {
  return change(leadership, group, fence, (published) => {
    if (published[name] === address) return published;
    const others = Object.keys(published).filter((other) => other !== name).length;
    if (others < mostAddresses) return { ...published, [name]: address };
    throw new ProblemError(
      limitReached,
      `Term ${fence.fencingVersion} of group "${group}" publishes ${others} of at most ${mostAddresses} addresses; withdraw one before you publish "${name}".`,
      { limit: mostAddresses, of: 'addresses' },
    );
  });
}

/** Nothing happens when there is none of the name. Throws `leadership_lost`. */
export function withdrawAddress(leadership: Leadership, group: string, fence: Fence, name: string): Promise<void> {
  return change(leadership, group, fence, (published) => {
    if (!Object.hasOwn(published, name)) return published;
    const { [name]: _, ...others } = published;
    return others;
  });
}

async function change(
  leadership: Leadership,
  group: string,
  fence: Fence,
  edit: (published: Addresses) => Addresses,
): Promise<void> {
  const { store, clock } = leadership;
  await retryConflicts({ tries: changeTries, of: `the addresses of group "${group}"` }, async () => {
    const record = await store.read(group, true);
    if (!isLive(record, fence, clock.now())) throw termLost(group, fence, record);
    const item = record?.addressChanges === undefined ? undefined : await store.readAddresses(group, true);
    if (item && isNewer(item, record)) return { kind: 'conflict' };
    const published = addressesIn(item, record);
    const addresses = edit(published);
    if (addresses === published) return { kind: 'done', value: undefined };
    const { answer: write } = await timely(leadership, (now) =>
      store.writeAddresses(group, fence, record?.addressChanges, addresses, now),
    );
    return write === 'won' ? { kind: 'done', value: undefined } : { kind: 'conflict' };
  });
}

/** Written after the record was read. */
const isNewer = (item: PublishedAddresses, record: LeadershipRecord | undefined): boolean =>
  item.fencingVersion > (record?.fencingVersion ?? 0) ||
  (item.fencingVersion === record?.fencingVersion && item.revision > (record.addressChanges ?? 0));

/** An item of another term, or one that was put back behind Tenure's back, publishes nothing. */
const addressesIn = (item: PublishedAddresses | undefined, record: LeadershipRecord | undefined): Addresses =>
  item && item.fencingVersion === record?.fencingVersion && item.revision === record.addressChanges
    ? item.addresses
    : {};

export interface ShownAddresses {
  readonly addresses: Addresses;
  /** How many changes they have seen; undefined without a leader, and for one that has published none. */
  readonly changes: number | undefined;
}

/**
 * The addresses of the leader that is shown. An item newer than the record of the same term is the present one: the
 * record was read a moment before it.
 */
export async function observedAddresses(
  { store, clock }: Leadership,
  group: string,
  record: LeadershipRecord | undefined,
  consistent: boolean,
): Promise<ShownAddresses> {
  if (record?.addressChanges === undefined || !shownLeader(record, clock.now()))
    return { addresses: {}, changes: undefined };
  const item = await store.readAddresses(group, consistent);
  if (item?.fencingVersion !== record.fencingVersion) return { addresses: {}, changes: record.addressChanges };
  return { addresses: item.addresses, changes: item.revision };
}
