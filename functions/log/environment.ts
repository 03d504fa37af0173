import { leaseTable } from '../../leadership/lease-table.ts';
import { replicaNotesTable } from '../../log/dynamodb/replica-notes-table.ts';
import { type LogRoom, logsOn } from '../../log/log-room.ts';
import type { ReplicaNotes } from '../../log/replica-watch.ts';
import type { Replicas } from '../../log/replicas.ts';
import { WriterMemories } from '../../log/writer-memories.ts';
import { requestTimeouts } from '../../store/request-timeouts.ts';
import { documentClient, sfnClient } from '../platform/aws.ts';
import { stateLockMs } from '../platform/settings.ts';
import { logSettings, recoveryWorkflow } from './lambda/settings.ts';
import { StepFunctionsRecovery } from './lambda/workflow-client.ts';

/** A dead connection must not use up the time of a round: the next try takes another one. */
const shortTimeouts = { ...requestTimeouts, connectionTimeout: 500, requestTimeout: 1_500 };

/** Builds the room once per Lambda environment, from its variables. */
export function logRoom(): LogRoom {
  const { TENURE_TABLE, TENURE_REPLICA_TABLES, TENURE_MOST_LOGS } = logSettings();
  return logsOn({
    table: TENURE_TABLE,
    mostLogs: TENURE_MOST_LOGS,
    lockMs: stateLockMs(),
    client: documentClient(undefined, shortTimeouts),
    replicas: TENURE_REPLICA_TABLES.map((replica) => ({
      ...replica,
      client: documentClient(replica.region, shortTimeouts),
    })),
  });
}

/** The same for the functions that serve logs and start recoveries. */
export function replicasRoom(): Replicas & LogRoom {
  const { TENURE_TABLE } = logSettings();
  return {
    ...logRoom(),
    leases: leaseTable(documentClient(), TENURE_TABLE),
    memories: new WriterMemories(),
    workflow: new StepFunctionsRecovery(sfnClient(), recoveryWorkflow()),
  };
}

/** The same for the sweep. */
export function sweepRoom(): Replicas & LogRoom & { readonly notes: ReplicaNotes } {
  const { TENURE_TABLE } = logSettings();
  return {
    ...replicasRoom(),
    // One look at what runs serves all that a sweep starts.
    workflow: new StepFunctionsRecovery(sfnClient(), recoveryWorkflow(), { looksLastMs: 30_000 }),
    notes: replicaNotesTable(documentClient(), TENURE_TABLE),
  };
}
