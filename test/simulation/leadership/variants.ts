/** Rules broken one by one: the simulation is worth something only if it finds each of them. */
import { isLive, type LeadershipRecord } from '../../../leadership/lease.ts';
import { toRecord } from '../../../leadership/lease-items.ts';
import type { LeaseWrite } from '../../../leadership/lease-store.ts';
import type { Item } from '../../../store/item.ts';
import type { MemoryLeaseStore } from '../../support/memory-lease-store.ts';
import type { Variant } from './simulate.ts';

/** A variant, and the invariants of docs/design/leadership.md that it breaks. */
interface Unsafe extends Variant {
  readonly breaks: RegExp;
}

const altered = (overrides: (store: MemoryLeaseStore) => Partial<MemoryLeaseStore>) => ({
  store: (store: MemoryLeaseStore): MemoryLeaseStore => ({ ...store, ...overrides(store) }),
});

/** Spoils the record after a write that won. */
function spoilt(store: MemoryLeaseStore, group: string, write: LeaseWrite, spoil: (item: Item) => Item): LeaseWrite {
  if (!write.won) return write;
  store.tamper(group, spoil);
  return { kind: 'won', won: toRecord(store.item(group)) as LeadershipRecord };
}

export const unsafeVariants: Record<string, Unsafe> = {
  'a grant does not raise the version': {
    breaks: /^L1/,
    ...altered((store) => ({
      grant: async (group, ...rest) =>
        spoilt(store, group, await store.grant(group, ...rest), (item) => ({
          ...item,
          fencingVersion: Number(item['fencingVersion']) - 1,
        })),
    })),
  },
  'a resignation forgets the version': {
    breaks: /^L1/,
    ...altered((store) => ({
      resign: async (group, ...rest) =>
        spoilt(store, group, await store.resign(group, ...rest), (item) => ({ ...item, fencingVersion: 0 })),
    })),
  },
  'a lost record is made anew without a gap': {
    breaks: /^L1/,
    ...altered((store) => ({
      create: (group, version, ...rest) => store.create(group, version > 1_000 ? version - 999 : version, ...rest),
    })),
  },
  'a late duplicate of a contend grants again': {
    breaks: /^steps/,
    ...altered((store) => ({
      async grant(group, ...rest) {
        const requestId = store.item(group)?.['requestId'];
        if (requestId === undefined) return store.grant(group, ...rest);
        store.tamper(group, (item) => ({ ...item, requestId: undefined }));
        const write = await store.grant(group, ...rest);
        if (write.won) return write;
        store.tamper(group, (item) => ({ ...item, requestId }));
        return { kind: 'lost', lost: toRecord(store.item(group)) };
      },
    })),
  },
  'nobody allows for skew': {
    breaks: /^L4/,
    ...altered((store) => ({ grant: (group, grant, now) => store.grant(group, grant, now, 0) })),
    habits: { endsBeforeTheServer: false },
  },
  'the service does not allow for skew': {
    breaks: /^L4/,
    ...altered((store) => ({ grant: (group, grant, now) => store.grant(group, grant, now, 0) })),
  },
  'the holder does not allow for skew': { breaks: /^L4/, habits: { endsBeforeTheServer: false } },
  'a delayed renewal shortens the lease': {
    breaks: /^L4/,
    ...altered((store) => ({
      async renew(group, fence, renewal, now) {
        if (!isLive(toRecord(store.item(group)), fence, now)) return store.renew(group, fence, renewal, now);
        store.tamper(group, (item) => {
          const leaseMs = renewal.leaseMs ?? Number(item['leaseMs']);
          return { ...item, leaseMs, expiresAt: now + leaseMs, renewedAt: now };
        });
        return { kind: 'won', won: toRecord(store.item(group)) as LeadershipRecord };
      },
    })),
  },
  'a revocation frees the lease at once': {
    breaks: /^L4/,
    ...altered((store) => ({
      revoke: async (group, ...rest) =>
        spoilt(store, group, await store.revoke(group, ...rest), (item) =>
          item['expiresAt'] === undefined ? item : { ...item, expiresAt: 0 },
        ),
    })),
  },
  'the sweep ends whatever term it finds': {
    breaks: /^L4/,
    ...altered((store) => ({
      expire: async (seen, now) => store.expire(toRecord(store.item(seen.group)) ?? seen, now),
    })),
  },
  'the holder counts from the answer': { breaks: /^L4/, habits: { countsFromTheRequest: false } },
  'the holder counts a whole lease when its term is handed back': {
    breaks: /^L4/,
    habits: { countsWhatRemains: false },
  },
  'the holder counts on its term until it has resigned': { breaks: /^L4/, habits: { stopsBeforeResigning: false } },
  'a grant is shown before it is confirmed': {
    breaks: /^L2/,
    ...altered((store) => ({
      grant: async (group, ...rest) =>
        spoilt(store, group, await store.grant(group, ...rest), (item) => ({
          ...item,
          holder: { ...(item['holder'] as Item), confirmedAt: 0, address: 'early' },
        })),
    })),
  },
  'a late confirmation counts for any holder of the lease': {
    breaks: /^L2/,
    ...altered((store) => ({
      confirm: (seen, fence, ...rest) => {
        const now = toRecord(store.item(seen.group)) ?? seen;
        const { fencingVersion, holder } = now;
        return store.confirm(now, { fencingVersion, sessionId: holder?.sessionId ?? fence.sessionId }, ...rest);
      },
    })),
  },
  'the guarded thing trusts every writer': { breaks: /^L3/, guard: 'trusts' },
};
