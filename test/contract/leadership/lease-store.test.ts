import { inject } from 'vitest';
import { groupTable } from '../../../functions/leadership/group-table.ts';
import { leaseTable } from '../../../functions/leadership/lease-table.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import type { Item } from '../../support/memory-lease-store.ts';
import { groupStoreContract } from './group-store-contract.ts';
import { leaseStoreContract } from './lease-store-contract.ts';
import { changeItem } from './tamper.ts';

const make = async () => {
  const endpoint = inject('dynamodb');
  const table = await createMainTable(endpoint);
  const client = localDocuments(endpoint);
  return {
    store: { ...leaseTable(client, table), ...groupTable(client, table) },
    tamper: (group: string, edit: (item: Item) => Item | undefined) => changeItem(client, table, group, edit),
  };
};

leaseStoreContract(make);
groupStoreContract(make);
