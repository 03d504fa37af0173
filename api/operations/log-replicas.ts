/** The operations on the replicas of a log. */
import * as z from 'zod/mini';
import { operation } from '../operation.ts';
import { notFound } from '../problem.ts';
import * as problems from '../problems/log.ts';
import { name, nothing } from '../schema.ts';
import { configuration, log, logPath, member, status } from './log.ts';

const replica = z.extend(log, {
  replica: z.string().check(z.regex(/^[1-9]\d{0,3}$/, 'must be the number of a replica')),
});
const replicaPath = `${logPath}/replicas/{replica}` as const;

/** Either the replica already votes, or this execution works on it. */
const begun = z.object({ status: z.optional(status), executionId: z.optional(z.string()) });

const forced = z.strictObject({ force: z.optional(z.boolean()) });

export const changeReplicas = operation({
  method: 'POST',
  path: `${logPath}/replicas`,
  summary: 'Begin to add or remove replicas of a log, or continue a change; repeat it until nothing is waited for',
  servedBy: 'log',
  journals: { as: 'replicas-changed', members: ['log', 'add', 'remove', 'cancel', 'waitsFor'] },
  key: 'kept',
  callers: ['operator'],
  params: log,
  query: nothing,
  body: z.strictObject({
    /** Tables of the deployment. */
    add: z.optional(z.array(z.strictObject({ table: z.string(), region: z.optional(z.string()) }))),
    /** Replicas by their ids. */
    remove: z.optional(z.array(z.string())),
    /** Returns to the members before the change. */
    cancel: z.optional(z.boolean()),
    /** Returns what would come of it, and changes nothing. */
    dryRun: z.optional(z.boolean()),
  }),
  answer: z.object({
    configuration,
    /** The reason that the change waits; absent once it is done. */
    waitsFor: z.optional(z.string()),
  }),
  status: 202,
  problems: [notFound, problems.membersRefused, problems.replicaMissing],
});

export const listReplicaTables = operation({
  method: 'GET',
  path: '/v1/groups/{group}/replica-tables',
  summary: 'The tables of the deployment that can be replicas of a log',
  servedBy: 'log',
  callers: ['operator'],
  params: z.object({ group: name }),
  query: nothing,
  body: nothing,
  answer: z.object({ items: z.array(z.omit(member, { id: true })) }),
  problems: [],
});

export const initializeReplica = operation({
  method: 'POST',
  path: `${replicaPath}/initialize`,
  summary: 'Let an empty replica of a new log vote; `force` gives up what the log held',
  servedBy: 'log',
  journals: { as: 'replica-initialized', members: ['log', 'replica', 'status'] },
  key: 'kept',
  callers: ['operator'],
  params: replica,
  query: nothing,
  body: forced,
  answer: begun,
  status: 202,
  problems: [problems.replicaMissing, notFound, problems.initializationRefused],
});

export const recoverReplica = operation({
  method: 'POST',
  path: `${replicaPath}/recover`,
  summary:
    'Recover a replica from the others; `force` recovers one that votes too, and gives up what a lost quorum held',
  servedBy: 'log',
  journals: { as: 'replica-recovery', members: ['log', 'replica', 'status'] },
  key: 'kept',
  callers: ['operator'],
  params: replica,
  query: nothing,
  body: forced,
  answer: begun,
  status: 202,
  problems: [problems.replicaMissing, notFound],
});

export const cancelRecovery = operation({
  method: 'POST',
  path: `${replicaPath}/cancel-recovery`,
  summary: 'Stop the recovery or the catch-up of a replica, until the schedule or an operator begins it again',
  servedBy: 'log',
  journals: { as: 'replica-recovery-cancelled', members: ['log', 'replica'] },
  key: 'kept',
  callers: ['operator'],
  params: replica,
  query: nothing,
  body: nothing,
  answer: z.object({
    status,
    /** The stopped execution; absent if none was running. */
    executionIds: z.array(z.string()),
  }),
  problems: [problems.replicaMissing, notFound],
});

export const catchUpReplica = operation({
  method: 'POST',
  path: `${replicaPath}/catch-up`,
  summary: 'Bring a lagging replica up to the others without disturbing the writer',
  servedBy: 'log',
  key: 'kept',
  callers: ['operator'],
  params: replica,
  query: nothing,
  body: nothing,
  answer: begun,
  status: 202,
  problems: [problems.replicaMissing, notFound],
});

export const logReplicaOperations = {
  changeReplicas,
  listReplicaTables,
  initializeReplica,
  recoverReplica,
  cancelRecovery,
  catchUpReplica,
};
