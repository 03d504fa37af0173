import { inject } from 'vitest';
import type { Item } from '../../../store/item.ts';
import { ItemTable } from '../../../store/item-table.ts';
import { leaseStores } from '../../support/lease-stores.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import { groupStoreContract } from './group-store-contract.ts';
import { leaseStoreContract } from './lease-store-contract.ts';
import { changeItem } from './tamper.ts';
import { termEndContract } from './term-end-contract.ts';

const make = async () => {
  const endpoint = inject('dynamodb');
  const table = await createMainTable(endpoint);
  const client = localDocuments(endpoint);
  return {
    store: leaseStores(new ItemTable(client, table)),
    tamper: (group: string, edit: (item: Item) => Item | undefined) => changeItem(client, table, group, edit),
  };
};

leaseStoreContract(make);
termEndContract(make);
groupStoreContract(make);
