import { inject } from 'vitest';
import { groupTable } from '../../../functions/leadership/group-table.ts';
import { leaseTable } from '../../../functions/leadership/lease-table.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import { leaseStoreContract } from './lease-store-contract.ts';
import { changeItem } from './tamper.ts';

leaseStoreContract(async () => {
  const endpoint = inject('dynamodb');
  const table = await createMainTable(endpoint);
  const client = localDocuments(endpoint);
  return {
    store: { ...leaseTable(client, table), ...groupTable(client, table) },
    tamper: (group, edit) => changeItem(client, table, group, edit),
  };
});
