import { leaseStoreContract } from '../../contract/leadership/lease-store-contract.ts';
import { memoryLeaseStore } from '../../support/memory-lease-store.ts';

leaseStoreContract(async () => {
  const store = memoryLeaseStore();
  return { store, tamper: async (group, edit) => store.tamper(group, edit) };
});
