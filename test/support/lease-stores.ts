import { type GroupStore, GroupTable } from '../../functions/leadership/group-table.ts';
import type { LeaseStore } from '../../functions/leadership/lease-store.ts';
import { LeaseTable } from '../../functions/leadership/lease-table.ts';
import type { ItemStore } from '../../functions/platform/item-store.ts';

/**
 * Both ports to the leadership items of a table, as one object of functions: a test puts its own in the place of some.
 */
export function leaseStores(items: ItemStore): LeaseStore & GroupStore {
  return { ...methodsOf<LeaseStore>(new LeaseTable(items)), ...methodsOf<GroupStore>(new GroupTable(items)) };
}

function methodsOf<Port extends object>(table: Port): Port {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(table)).filter((name) => name !== 'constructor');
  const methods = table as Record<string, (...given: unknown[]) => unknown>;
  return Object.fromEntries(names.map((name) => [name, (...given: unknown[]) => methods[name]?.(...given)])) as Port;
}
