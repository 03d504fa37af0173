/** The logs on their tables: the parts that every request on a log is made with. */
import { randomUUID } from 'node:crypto';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { ProblemError } from '../api/problem.ts';
import { replicaMissing } from '../api/problems/log.ts';
import { isUnavailable } from '../store/store-errors.ts';
import { recoveryProgressTable } from './dynamodb/recovery-progress-table.ts';
import { LogRegistryTable } from './dynamodb/registry-table.ts';
import { tableEpoch } from './dynamodb/replica-epoch.ts';
import { replicaTable } from './dynamodb/replica-table.ts';
import { SequencerTable } from './dynamodb/sequencer-table.ts';
import { allReplicas, firstConfiguration, type Member, majoritiesOf } from './protocol/configuration.ts';
import { defaultSettings, type LogParts } from './protocol/log.ts';
import { type Chance, systemTimer } from './protocol/quorum.ts';
import type { LogRegistry, RegisteredLog } from './protocol/registry.ts';
import type { RecoveryProgress } from './recovery-progress.ts';
import { getLogOrThrow } from './registered-log.ts';

export interface LogRoom {
  readonly registry: LogRegistry;
  /** Logs that a group may have: each of them costs the sweep a look at its replicas every minute. */
  readonly mostLogs: number;
  /** Notes of the workflows of recoveries. */
  readonly progress: RecoveryProgress;
  /** Where a log may have replicas: the tables of this deployment, with when they were created. */
  tables(): Promise<readonly Omit<Member, 'id'>[]>;
  /** Creates a log whose members are the first tables of the deployment: 5, 3 or 1 of them. */
  create(log: Omit<RegisteredLog, 'configuration'>): ReturnType<LogRegistry['create']>;
  /**
   * The parts of a log by its configuration. Throws `replica_missing` where the deployment has not all of its tables.
   */
  partsOf(log: RegisteredLog): LogParts;
  /** The same by the log's name. Throws `not_found`, too. */
  open(group: string, log: string): Promise<LogParts>;
}

export const systemChance: Chance = { number: () => Math.random(), id: () => randomUUID() };

export interface Tables {
  readonly client: DynamoDBDocumentClient;
  /** The main table. */
  readonly table: string;
  readonly mostLogs?: number;
  /** After this anyone may remove a state lock, in ms. */
  readonly lockMs?: number;
  readonly replicas: readonly { client: DynamoDBDocumentClient; table: string; region?: string }[];
}

export function logsOn({ client, table, replicas, mostLogs = 100, lockMs = defaultSettings.lockMs }: Tables): LogRoom {
  const located = replicas.map((replica) => ({ ...replica, epochs: tableEpoch(replica.client, replica.table) }));
  const registry = new LogRegistryTable(client, table);

  const locate = (log: RegisteredLog, member: Member) => {
    const there = located.find((one) => one.table === member.table && one.region === member.region);
    if (there) return there;
    const where = member.region ? `${member.table} in ${member.region}` : member.table;
    throw new ProblemError(
      replicaMissing,
      `Replica "${member.id}" of log "${log.log}" is table ${where}, which this deployment does not have; deploy it again, or replace the replica from a deployment that has it.`,
      { log: log.log, replica: member.id, table: member.table },
    );
  };

  const partsOf = (registered: RegisteredLog): LogParts => {
    const { group, log, configuration, createdAt } = registered;
    const follows = { group, log, configuration: configuration.version };
    return {
      replicas: allReplicas(configuration).map((member) => {
        const { epochs: epoch, ...where } = locate(registered, member);
        return replicaTable({ ...where, ...follows, createdAt, epoch, id: member.id });
      }),
      majorities: majoritiesOf(configuration),
      configuration: configuration.version,
      sequencer: new SequencerTable({ client, table, ...follows }),
      timer: systemTimer,
      chance: systemChance,
      settings: { ...defaultSettings, lockMs },
    };
  };

  const tables = () =>
    Promise.all(
      located.map(async ({ table: name, region, epochs }) => ({
        table: name,
        ...(region && { region }),
        epoch: await epochs.current().catch(unknownEpoch),
      })),
    );

  return {
    registry,
    mostLogs,
    progress: recoveryProgressTable(client, table),
    tables,
    partsOf,
    async create(log) {
      const all = (await tables()).map((member, at) => ({ id: String(at + 1), ...member }));
      const members = all.slice(
        0,
        [5, 3, 1].find((size) => size <= all.length),
      );
      return registry.create({ ...log, configuration: firstConfiguration(members) });
    },
    open: async (group, log) => partsOf(await getLogOrThrow(registry, { group, log })),
  };
}

/** A table that cannot be asked may become a member all the same. */
function unknownEpoch(error: unknown): number {
  const names = ['ResourceNotFoundException', 'AccessDeniedException'];
  if (isUnavailable(error) || (error instanceof Error && names.includes(error.name))) return 0;
  throw error;
}
