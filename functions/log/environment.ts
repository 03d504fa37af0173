import { randomUUID } from 'node:crypto';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { leaseTable } from '../leadership/lease-table.ts';
import { documentClient, sfnClient } from '../platform/aws.ts';
import { logRegistryTable } from './dynamodb/registry-table.ts';
import { tableEpoch } from './dynamodb/replica-epoch.ts';
import { replicaNotesTable } from './dynamodb/replica-notes-table.ts';
import { replicaTable } from './dynamodb/replica-table.ts';
import { seatTable } from './dynamodb/sequencer-table.ts';
import type { ReplicaNotes } from './http/replica-watch.ts';
import type { Replicas } from './http/replicas.ts';
import { WriterMemories } from './http/writer-memories.ts';
import { logSettings, type ReplicaAddress, recoveryWorkflow } from './lambda/settings.ts';
import { recoveryWorkflowClient } from './lambda/workflow-client.ts';
import { defaultSettings, type LogParts } from './protocol/log.ts';
import { type Chance, systemTimer } from './protocol/quorum.ts';
import type { LogRegistry } from './protocol/registry.ts';

export interface LogRoom {
  readonly registry: LogRegistry;
  /** The parts of one log on the tables; its replicas are named `1`, `2` and so on. */
  parts(group: string, log: string): LogParts;
}

export const systemChance: Chance = { number: () => Math.random(), id: () => randomUUID() };

/** Builds the room once per Lambda environment, from its variables. */
export function logRoom(): LogRoom {
  const { TENURE_TABLE, TENURE_REPLICA_TABLES } = logSettings();
  return logsOn({
    table: TENURE_TABLE,
    client: documentClient(),
    replicas: TENURE_REPLICA_TABLES.map(({ table, region }) => ({ table, client: documentClient(region) })),
  });
}

/** The same for the functions that serve logs and start recoveries. */
export function replicasRoom(): Replicas {
  const { TENURE_TABLE } = logSettings();
  return {
    ...logRoom(),
    leases: leaseTable(documentClient(), TENURE_TABLE),
    memories: new WriterMemories(),
    workflow: recoveryWorkflowClient(sfnClient(), recoveryWorkflow()),
  };
}

/** The same for the sweep. */
export function sweepRoom(): Replicas & { readonly notes: ReplicaNotes } {
  const { TENURE_TABLE } = logSettings();
  return { ...replicasRoom(), notes: replicaNotesTable(documentClient(), TENURE_TABLE) };
}

export interface Tables {
  readonly client: DynamoDBDocumentClient;
  /** The main table. */
  readonly table: string;
  readonly replicas: readonly { client: DynamoDBDocumentClient; table: ReplicaAddress['table'] }[];
}

export function logsOn({ client, table, replicas }: Tables): LogRoom {
  const located = replicas.map((replica) => ({ ...replica, epoch: tableEpoch(replica.client, replica.table) }));
  return {
    registry: logRegistryTable(client, table),
    parts: (group, log) => ({
      replicas: located.map((replica, at) => replicaTable({ ...replica, id: String(at + 1), group, log })),
      seat: seatTable({ client, table, group, log }),
      timer: systemTimer,
      chance: systemChance,
      settings: defaultSettings,
    }),
  };
}
