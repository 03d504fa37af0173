import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { inject } from 'vitest';
import { groupTable } from '../../../functions/leadership/group-table.ts';
import { leadershipKey } from '../../../functions/leadership/keys.ts';
import { leaseTable } from '../../../functions/leadership/lease-table.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import { leaseStoreContract } from './lease-store-contract.ts';

leaseStoreContract(async () => {
  const endpoint = inject('dynamodb');
  const table = await createMainTable(endpoint);
  const client = localDocuments(endpoint);
  return {
    store: { ...leaseTable(client, table), ...groupTable(client, table) },
    async tamper(group, edit) {
      const Key = leadershipKey(group);
      const { Item = {} } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
      const edited = edit(Item);
      if (edited) await client.send(new PutCommand({ TableName: table, Item: { ...edited, ...Key } }));
      else await client.send(new DeleteCommand({ TableName: table, Key }));
    },
  };
});
