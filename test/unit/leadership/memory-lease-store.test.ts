import type { Item } from '../../../store/item.ts';
import { groupStoreContract } from '../../contract/leadership/group-store-contract.ts';
import { leaseStoreContract } from '../../contract/leadership/lease-store-contract.ts';
import { termEndContract } from '../../contract/leadership/term-end-contract.ts';
import { memoryLeaseStore } from '../../support/memory-lease-store.ts';

const make = async () => {
  const store = memoryLeaseStore();
  return { store, tamper: async (group: string, edit: (item: Item) => Item | undefined) => store.tamper(group, edit) };
};

leaseStoreContract(make);
termEndContract(make);
groupStoreContract(make);
