/**
 * The lease and group ports on a table in memory: the product's own rules, every change checked against the invariants.
 */
import type { GroupStore } from '../../leadership/group-table.ts';
import { checkChange } from '../../leadership/invariants.ts';
import { groupKey, leadershipKey } from '../../leadership/keys.ts';
import type { LeaseStore } from '../../leadership/lease-store.ts';
import type { Item } from '../../store/item.ts';
import { leaseStores } from './lease-stores.ts';
import { MemoryItems } from './memory-items.ts';

export interface MemoryLeaseStore extends LeaseStore, GroupStore {
  /** Changes the group's record past every rule; undefined deletes it. */
  tamper(group: string, edit: (item: Item) => Item | undefined): void;
  item(group: string): Item | undefined;
  /** Everything of the group, in the order of its sort keys. */
  items(group: string): Item[];
}

export function memoryLeaseStore(): MemoryLeaseStore {
  const items = new MemoryItems(checkChange);
  return {
    ...leaseStores(items),
    tamper(group, edit) {
      const key = leadershipKey(group);
      items.place(key, edit(items.item(key) ?? {}));
    },
    item: (group) => items.item(leadershipKey(group)),
    items: (group) => items.partition(groupKey(group)),
  };
}
