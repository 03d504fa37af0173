import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DeleteTableCommand, UpdateTableCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { tableEpoch } from '../../../log/dynamodb/replica-epoch.ts';
import { replicaTable } from '../../../log/dynamodb/replica-table.ts';
import { type LogRoom, logsOn } from '../../../log/log-room.ts';
import type { Replica } from '../../../log/protocol/replica.ts';
import { type Faults, injectFaults } from '../faults.ts';
import { type Access, createMainTable, localDocuments, localDynamoDb } from '../main-table.ts';

/** Makes a table with the keys of a deployed replica; returns its name. */
export async function createReplicaTable(
  endpoint: string,
  name = `replica-${randomUUID()}`,
  access?: Access,
): Promise<string> {
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const });
  await localDynamoDb(endpoint, access).send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [text('pk'), text('sk')],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  return name;
}

/** Takes the protection off a table and deletes it. */
export async function deleteTable(endpoint: string, TableName: string, access?: Access): Promise<void> {
  const client = localDynamoDb(endpoint, access);
  await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }));
  await client.send(new DeleteTableCommand({ TableName }));
}

/** Deletes it and makes it again: everything on it is lost. */
export async function wipeTable(endpoint: string, name: string): Promise<void> {
  await deleteTable(endpoint, name);
  await createReplicaTable(endpoint, name);
}

export interface TestReplica {
  readonly replica: Replica;
  readonly faults: Faults;
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
}

/** One replica on a table, through a client of its own. */
export async function replicaOn(
  endpoint: string,
  table?: string,
  log = 'journal',
  configuration = 1,
): Promise<TestReplica> {
  const name = table ?? (await createReplicaTable(endpoint));
  const client = localDocuments(endpoint);
  const faults = injectFaults(client);
  const replica = replicaTable({
    id: '1',
    client,
    table: name,
    epoch: tableEpoch(client, name),
    group: 'g',
    log,
    createdAt: 1,
    configuration,
  });
  return { replica, faults, client, table: name };
}

export interface TestLogs {
  readonly room: LogRoom;
  /** Of the main table and of each replica. */
  readonly faults: { readonly main: Faults; readonly replicas: readonly Faults[] };
  readonly tables: { readonly main: string; readonly replicas: readonly string[] };
}

/** A room on tables; with the tables of another one it is another process. */
export async function logsWith(endpoint: string, size: number, shared?: TestLogs['tables']): Promise<TestLogs> {
  const tables = shared ?? {
    main: await createMainTable(endpoint),
    replicas: await Promise.all(Array.from({ length: size }, () => createReplicaTable(endpoint))),
  };
  const client = localDocuments(endpoint);
  const replicas = tables.replicas.map((table) => ({ table, client: localDocuments(endpoint) }));
  return {
    room: logsOn({ client, table: tables.main, replicas }),
    faults: { main: injectFaults(client), replicas: replicas.map((one) => injectFaults(one.client)) },
    tables,
  };
}
