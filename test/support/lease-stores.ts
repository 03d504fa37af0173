import { type GroupStore, GroupTable } from '../../leadership/group-table.ts';
import type { LeaseStore } from '../../leadership/lease-store.ts';
import { LeaseTable } from '../../leadership/lease-table.ts';
import type { ItemStore } from '../../store/item-store.ts';

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
