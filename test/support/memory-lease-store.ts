/** The lease and group ports in memory: the items and conditions of lease-table.ts and group-table.ts, each step at once. */

import type { Fence } from '../../api/fence.ts';
import type { GroupStore } from '../../functions/leadership/group-table.ts';
import {
  floorKey,
  floorPrefix,
  groupKey,
  leadershipKey,
  recreationKey,
  termKey,
  termPrefix,
} from '../../functions/leadership/keys.ts';
import { endOfNewestTerm, type Holder, type LeadershipRecord } from '../../functions/leadership/lease.ts';
import { metadataText, toRecord, toTerm } from '../../functions/leadership/lease-items.ts';
import type { Grant, LeaseStore, Write } from '../../functions/leadership/lease-store.ts';

/** As it lies in the table; never changed in place, so that a reference is a snapshot. */
export type Item = Readonly<Record<string, unknown>>;
type Edit = (item: Item) => Record<string, unknown>;

export interface MemoryLeaseStore extends LeaseStore, GroupStore {
  /** Another hand's access to the group's record; undefined deletes it. */
  tamper(group: string, edit: (item: Item) => Item | undefined): void;
  item(group: string): Item | undefined;
  /** Everything of the group, in the order of its sort keys. */
  items(group: string): Item[];
}

const text = ({ pk, sk }: { pk: string; sk: string }) => `${pk}|${sk}`;
const present = (item: object): Item =>
  Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined));

export function memoryLeaseStore(): MemoryLeaseStore {
  const items = new Map<string, Item>();
  const groups = new Set<string>();
  const get = (key: { pk: string; sk: string }) => items.get(text(key));
  const put = (key: { pk: string; sk: string }, item: object) => items.set(text(key), present({ ...item, ...key }));
  const record = (group: string) => get(leadershipKey(group));

  const write = (group: string, condition: (item: Item) => boolean, edit: Edit): Write => {
    const before = record(group);
    if (!before || !condition(before)) return { lost: toRecord(before) };
    put(leadershipKey(group), { ...before, ...edit(before) });
    const won = toRecord(record(group));
    if (!won) throw new Error('A leadership write succeeded and left a record that cannot be read');
    return { won };
  };

  const lastRecreation = (group: string) => Number(get(recreationKey(group))?.['fencingVersion'] ?? 0);

  const sortKeys = (group: string, prefix: string) =>
    [...items.keys()]
      .flatMap((key) => (key.startsWith(`${groupKey(group)}|${prefix}`) ? key.slice(groupKey(group).length + 1) : []))
      .sort();

  return {
    read: async (group) => toRecord(record(group)),

    grant: async (group, grant, now, maxClockSkewMs) =>
      write(
        group,
        (item) =>
          typeof item['fencingVersion'] === 'number' &&
          item['restoring'] === undefined &&
          item['requestId'] !== grant.requestId &&
          (item['expiresAt'] === undefined || below(item['expiresAt'], now - maxClockSkewMs)) &&
          (item['reservedFor'] === undefined ||
            item['reservedFor'] === grant.contenderId ||
            below(item['reservedUntil'], now)),
        (item) => ({
          fencingVersion: (item['fencingVersion'] as number) + 1,
          holder: granted(grant, now),
          leaseMs: grant.leaseMs,
          expiresAt: now + grant.leaseMs,
          renewedAt: now,
          requestId: grant.requestId,
          previous: item['previous'] ?? item['ended'] ?? { reason: 'expired' },
          previousExpiresAt: item['previousExpiresAt'] ?? item['expiresAt'] ?? now,
          ended: undefined,
          revokedContender: undefined,
          reservedFor: undefined,
          reservedUntil: undefined,
        }),
      ),

    async create(group, fencingVersion, grant, now, recreation) {
      const term = termKey(group, fencingVersion);
      if (record(group)?.['fencingVersion'] !== undefined || get(term)) return { lost: undefined };
      if (recreation !== undefined && recreation !== lastRecreation(group)) return { lost: undefined };
      if (recreation !== undefined) put(recreationKey(group), { fencingVersion });
      const { contenderId, sessionId, leaseMs, requestId } = grant;
      const holder = granted(grant, now);
      const created = {
        fencingVersion,
        holder,
        leaseMs,
        expiresAt: now + leaseMs,
        requestId,
        newestTerm: fencingVersion,
      };
      put(leadershipKey(group), { ...created, renewedAt: now });
      put(term, { fencingVersion, contenderId, sessionId });
      groups.add(group);
      return { won: { group, ...created } };
    },

    lastRecreation: async (group) => lastRecreation(group),

    highestVersion: async (group) =>
      Math.max(
        ...[termPrefix, floorPrefix].map((prefix) =>
          Number((sortKeys(group, prefix).at(-1) ?? `${prefix}0`).slice(prefix.length)),
        ),
      ),

    async writeFloor(group, fencingVersion) {
      put(floorKey(group, fencingVersion), {});
    },

    async confirm(seen, fence, published, now) {
      const { group } = seen;
      const before = record(group);
      if (!before || !ownsLiveTerm(before, fence, now) || before['newestTerm'] !== seen.newestTerm)
        return { lost: toRecord(before) };
      const confirmedAt = seen.holder?.confirmedAt ?? now;
      const holder = { ...seen.holder, ...published, confirmedAt } as Holder;
      const { previous: _, previousExpiresAt: __, ...kept } = before;
      put(leadershipKey(group), { ...kept, holder: stored(holder), newestTerm: fence.fencingVersion });
      const { contenderId, sessionId } = holder;
      const { address, metadata } = published;
      put(termKey(group, fence.fencingVersion), {
        fencingVersion: fence.fencingVersion,
        contenderId,
        sessionId,
        confirmedAt,
        address,
        metadata: metadataText(metadata),
      });
      closeTermBefore(seen, fence.fencingVersion, now);
      return { won: { ...seen, holder, newestTerm: fence.fencingVersion } };
    },

    renew: async (group, fence, { leaseMs, address, metadata }, now) =>
      write(
        group,
        (item) =>
          ownsLiveTerm(item, fence, now) &&
          (leaseMs === undefined
            ? item['renewedAt'] === undefined || (item['renewedAt'] as number) <= now
            : (item['expiresAt'] as number) <= now + leaseMs),
        (item) => ({
          leaseMs: leaseMs ?? item['leaseMs'],
          expiresAt: now + (leaseMs ?? (item['leaseMs'] as number)),
          renewedAt: now,
          holder: present({
            ...(item['holder'] as Holder),
            ...(address === undefined ? {} : { address }),
            ...(metadata === undefined ? {} : { metadata: metadataText(metadata) }),
          }),
        }),
      ),

    restoreHolder: async (group, term, published, now) =>
      write(
        group,
        (item) =>
          item['fencingVersion'] === term.fencingVersion &&
          item['ended'] === undefined &&
          item['restoring'] === undefined &&
          above(item['expiresAt'], now),
        () => {
          const { contenderId, sessionId, confirmedAt } = term;
          const address = published.address ?? term.address;
          const metadata = published.metadata ?? term.metadata;
          const grantedAt = confirmedAt ?? now;
          return { holder: stored({ contenderId, sessionId, grantedAt, confirmedAt, address, metadata }) };
        },
      ),

    readTerm: async (group, fencingVersion) => toTerm(get(termKey(group, fencingVersion))),

    resign: async (group, fence, successor, requestId, now) =>
      write(
        group,
        (item) => ownsTerm(item, fence),
        (item) => ({
          ended: { reason: 'resigned', at: now, requestId },
          ...(successor === undefined
            ? {}
            : { reservedFor: successor, reservedUntil: (item['leaseMs'] as number) + now }),
          holder: undefined,
          expiresAt: undefined,
          renewedAt: undefined,
        }),
      ),

    revoke: async (group, { fencingVersion, reason, force }, requestId, now) =>
      write(
        group,
        (item) => item['fencingVersion'] === fencingVersion && item['holder'] !== undefined,
        (item) => ({
          ended: { reason: 'revoked', detail: reason, at: now, requestId },
          revokedContender: (item['holder'] as Partial<Holder>).contenderId ?? 'unknown',
          holder: undefined,
          ...(force ? { expiresAt: undefined, renewedAt: undefined } : {}),
        }),
      ),

    async listGroups(after = '', limit) {
      const names = [...groups].filter((group) => record(group) && group > after).sort();
      const page = names.slice(0, limit);
      return { items: page, last: names.length > limit ? page.at(-1) : undefined };
    },

    readRecords: async (names) => [...names].sort().flatMap((group) => toRecord(record(group)) ?? []),

    async listTerms(group, after, limit) {
      const keys = sortKeys(group, termPrefix)
        .filter((key) => after === undefined || key < after)
        .reverse();
      const page = keys.slice(0, limit);
      const terms = page.flatMap((sk) => toTerm(get({ pk: groupKey(group), sk })) ?? []);
      return {
        items: terms.filter(({ confirmedAt }) => confirmedAt !== undefined),
        last: page.length === limit ? page.at(-1) : undefined,
      };
    },

    async expire(seen, now) {
      const { group, fencingVersion, expiresAt } = seen;
      const before = record(group);
      const hasTerm = seen.newestTerm === fencingVersion;
      const expiry = before?.['expiresAt'];
      const sameExpiry = expiresAt === undefined ? typeof expiry !== 'number' : expiry === expiresAt;
      const same = before?.['fencingVersion'] === fencingVersion && sameExpiry;
      if (!before || !same || before['holder'] === undefined) return false;
      if (hasTerm && !get(termKey(group, fencingVersion))) return false;
      const { holder: _, expiresAt: __, renewedAt: ___, ...kept } = before;
      const ended = { reason: 'expired' as const, at: expiresAt ?? now };
      put(leadershipKey(group), { ...kept, ended, ...(hasTerm ? { closedTerm: fencingVersion } : {}) });
      if (hasTerm) endTerm(group, fencingVersion, ended);
      return true;
    },

    async close(seen, ending) {
      const { group, newestTerm = 0 } = seen;
      const before = record(group);
      if (before?.['newestTerm'] !== newestTerm || !get(termKey(group, newestTerm))) return false;
      put(leadershipKey(group), { ...before, closedTerm: newestTerm });
      endTerm(group, newestTerm, ending);
      return true;
    },

    tamper(group, edit) {
      const item = edit(record(group) ?? {});
      if (item) put(leadershipKey(group), item);
      else items.delete(text(leadershipKey(group)));
    },

    item: record,

    items: (group) => sortKeys(group, '').map((sk) => get({ pk: groupKey(group), sk }) as Item),
  };

  function endTerm(
    group: string,
    version: number,
    { at, reason }: { at?: number | undefined; reason: string },
    more: object = {},
  ) {
    const key = termKey(group, version);
    const term = get(key);
    put(key, { ...term, endedAt: term?.['endedAt'] ?? at, endReason: term?.['endReason'] ?? reason, ...more });
  }

  function closeTermBefore(seen: LeadershipRecord, version: number, now: number) {
    const ending = endOfNewestTerm(seen, now);
    if (seen.newestTerm === undefined || seen.newestTerm === version || !ending) return;
    endTerm(seen.group, seen.newestTerm, ending, { ttl: Math.floor(now / 1000) + 90 * 24 * 3600 });
  }
}

const below = (value: unknown, limit: number) => typeof value === 'number' && value < limit;
const above = (value: unknown, limit: number) => typeof value === 'number' && value > limit;

const ownsTerm = (item: Item, { fencingVersion, sessionId }: Fence) =>
  item['fencingVersion'] === fencingVersion && (item['holder'] as Partial<Holder> | undefined)?.sessionId === sessionId;

const ownsLiveTerm = (item: Item, fence: Fence, now: number) => ownsTerm(item, fence) && above(item['expiresAt'], now);

const granted = ({ contenderId, sessionId }: Grant, now: number): Holder => ({
  contenderId,
  sessionId,
  grantedAt: now,
});

const stored = (holder: Holder) => present({ ...holder, metadata: metadataText(holder.metadata) });
