/** Loaded with the first call in direct mode: the protocol of leadership, and the SDK's DynamoDB client. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { groupTable } from '../../leadership/group-table.ts';
import type { Leadership } from '../../leadership/leadership.ts';
import type { Resignation } from '../../leadership/lease-store.ts';
import { leaseTable } from '../../leadership/lease-table.ts';
import { resignTerm } from '../../leadership/lease-writes.ts';
import { leadershipOperations } from '../../leadership/operations.ts';
import { updateOf } from '../../store/item-table.ts';
import { sleep, type Time } from '../time.ts';
import type { PreparedRequest } from '../transport.ts';
import { dynamoDbClient } from './dynamodb-client.ts';
import { openLogs } from './open-logs.ts';
import { signedRequest } from './signed-request.ts';
import type { OpenTable } from './table-carrier.ts';
import type { ReplicaOptions, TableOptions } from './table-options.ts';

export interface OpenOptions extends TableOptions {
  readonly replicas: readonly (string | ReplicaOptions)[];
  readonly maxClockSkewMs: number;
  readonly time: Time;
  readonly random: () => number;
}

export function openTable(options: OpenOptions): OpenTable {
  const { name, replicas, maxClockSkewMs, time, random, dynamodb: client = dynamoDbClient(options) } = options;
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  const signals = new AsyncLocalStorage<AbortSignal>();
  const abortable = givenUpWith(documents, signals);
  const leadership: Leadership = {
    store: leaseTable(abortable, name),
    clock: time,
    maxClockSkewMs,
    random,
    pause: (ms) => sleep(time, ms),
  };
  return {
    performed: [
      ...leadershipOperations(leadership, groupTable(abortable, name)),
      ...(replicas.length > 0 ? openLogs({ table: options, replicas, leases: leaseTable(documents, name), time }) : []),
    ],
    within: (signal, act) => signals.run(signal, act),
    async prepareResignation({ params, fence, body, requestId }): Promise<PreparedRequest> {
      const { group } = params as { group: string };
      if (!fence) throw new TypeError(`A resignation of group "${group}" needs the fence of its term`);
      const write = resignTerm(group, fence, body as Resignation, requestId, time.now());
      return signedRequest(documents, new UpdateCommand(updateOf(name, write)));
    },
  };
}

/** The client, whose requests end with the signal of the call that they belong to: no retry comes after its answer. */
function givenUpWith(client: DynamoDBDocumentClient, signals: AsyncLocalStorage<AbortSignal>): DynamoDBDocumentClient {
  const send = (command: Parameters<DynamoDBDocumentClient['send']>[0]) => {
    const abortSignal = signals.getStore();
    return client.send(command, abortSignal ? { abortSignal } : {});
  };
  return { send } as DynamoDBDocumentClient;
}
