import { beforeEach } from 'vitest';
import type { GroupStore } from '../../../leadership/group-table.ts';
import type { LeadershipRecord } from '../../../leadership/lease.ts';
import type { Grant, LeaseStore } from '../../../leadership/lease-store.ts';
import type { Item } from '../../../store/item.ts';

export interface StoreUnderTest {
  readonly store: LeaseStore & GroupStore;
  /** Tampers with the group's record, or deletes it. */
  tamper(group: string, edit: (item: Item) => Item | undefined): Promise<void>;
}

export const group = 'orders';
export const skewMs = 250;
export const leaseMs = 10_000;
export const start = 1_800_000_000_000;
export const later = start + 3_600_000;

export const grantOf = (contenderId: string, more: Partial<Grant> = {}): Grant => ({
  contenderId,
  instanceId: `instance-of-${contenderId}`,
  sessionId: `session-of-${contenderId}`,
  leaseMs,
  requestId: `request-of-${contenderId}`,
  ...more,
});
export const fenceOf = (contenderId: string, fencingVersion: number) => ({
  fencingVersion,
  sessionId: `session-of-${contenderId}`,
});

/** Makes a store of its own for every test, and takes the steps that most tests begin with. */
export function storeUnderTest(make: () => Promise<StoreUnderTest>) {
  let it: StoreUnderTest;
  beforeEach(async () => {
    it = await make();
  });
  return {
    get store() {
      return it.store;
    },
    tamper: (edit: (item: Item) => Item | undefined) => it.tamper(group, edit),
    async created(version = 1, contenderId = 'a') {
      const { won } = await it.store.create(group, version, grantOf(contenderId), start);
      return won as LeadershipRecord;
    },
    async confirmed(seen: LeadershipRecord, now = start) {
      const fence = { fencingVersion: seen.fencingVersion, sessionId: seen.holder?.sessionId ?? '' };
      const { won } = await it.store.confirm(seen, fence, { address: 'host:1', metadata: { zone: 'a' } }, now);
      return won as LeadershipRecord;
    },
    stored: async () => (await it.store.read(group, true)) as LeadershipRecord,
  };
}
