/** The DynamoDB requests on the checkpoints of a job: each is one conditional update of the job's item. */
import { type DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../leadership/keys.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { type Conditional, conditional } from '../platform/conditional.ts';
import type { NewCheckpoint } from './checkpoint.ts';
import type { Change, CheckpointStore } from './checkpoint-store.ts';
import { isDamaged, type JobName, type JobRecord, maxSavepoints } from './job.ts';
import { checkpointSlots, clearedSlots, commitSlots, idBytes, storedRef, toJob } from './job-item.ts';
import { jobKey, jobPrefix } from './keys.ts';
import { notStateLocked, pastStateLock } from './state-locks-table.ts';

const isActive = '#state = :active';
const active = { names: { '#state': 'state' }, values: { ':active': 'ACTIVE' } };

interface Expression {
  readonly set?: readonly string[];
  readonly remove?: readonly string[];
  readonly conditions?: readonly string[];
  readonly names?: Record<string, string>;
  readonly values?: Record<string, unknown>;
}

/** Binds the port to the main table. */
export function checkpointTable(
  client: DynamoDBDocumentClient,
  table: string,
  clock: Clock = systemClock,
): CheckpointStore {
  const update = async (
    { group, jobId }: JobName,
    version: number,
    { set = [], remove = [], conditions = [], names = {}, values = {} }: Expression,
    shows: 'ALL_OLD' | 'ALL_NEW' = 'ALL_OLD',
  ) => {
    const write = () =>
      client.send(
        new UpdateCommand({
          TableName: table,
          Key: jobKey(group, jobId),
          UpdateExpression: [
            `SET ${['fence = :version', ...set].join(', ')}`,
            remove.length > 0 ? `REMOVE ${remove.join(', ')}` : '',
          ].join(' '),
          ConditionExpression: ['fence <= :version', ...conditions].join(' AND '),
          ...(Object.keys(names).length > 0 ? { ExpressionAttributeNames: names } : {}),
          ExpressionAttributeValues: { ':version': version, ...values },
          ReturnValues: shows,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
    const written = () => conditional(write).catch((error: Error) => unwritable(error, { group, jobId }));
    const guarded = { client, table, Key: jobKey(group, jobId), clock };
    // A claim is never held back: a new leader goes on at once.
    const isHeldBack = conditions.includes(notStateLocked);
    const { won, lost } = await (isHeldBack ? pastStateLock(guarded, written) : written());
    return { record: toJob(won ? won.Attributes : lost[0]?.item), took: won !== undefined };
  };

  /** An expression does not fit a record that another hand has deformed: that record is then what won. */
  const unwritable = async (error: Error, { group, jobId }: JobName): Promise<Conditional<never>> => {
    if (error.name !== 'ValidationException') throw error;
    const { Item } = await client.send(
      new GetCommand({ TableName: table, Key: jobKey(group, jobId), ConsistentRead: true }),
    );
    if (!Item || !isDamaged(toJob(Item) as JobRecord)) throw error;
    return { lost: [{ at: 0, item: Item }] };
  };

  const change = async (name: JobName, version: number, expression: Expression): Promise<Change> => {
    const conditions = [notStateLocked, ...(expression.conditions ?? [])];
    const { record, took } = await update(name, version, { ...expression, conditions });
    return took && record ? { before: record } : { lost: record };
  };

  return {
    commit: (name, version, checkpoint) =>
      change(name, version, checkpoint.kind === 'checkpoint' ? addCheckpoint(checkpoint) : addSavepoint(checkpoint)),

    async listUnfinished(group, after, limit) {
      const {
        Items = [],
        ScannedCount = 0,
        LastEvaluatedKey,
      } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          // What has no readable state must be seen too: it is damaged.
          FilterExpression: 'NOT #state IN (:finished, :cleaned)',
          ProjectionExpression: 'sk',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: {
            ':pk': groupKey(group),
            ':prefix': jobPrefix,
            ':finished': 'FINISHED',
            ':cleaned': 'CLEANED',
          },
          ...(after === undefined ? {} : { ExclusiveStartKey: { pk: groupKey(group), sk: after } }),
          ConsistentRead: true,
          Limit: limit,
        }),
      );
      const items = Items.map((item) => String(item['sk']).slice(jobPrefix.length));
      return { items, read: ScannedCount, last: LastEvaluatedKey?.['sk'] as string | undefined };
    },

    async claim(name, version) {
      const { record, took } = await update(name, version, { conditions: [isActive], ...active }, 'ALL_NEW');
      return took && record ? { won: record } : { lost: record };
    },

    keepOnly: (seen, version, checkpointId) => {
      const kept = seen.commits.findIndex((commit) => commit?.checkpointId === checkpointId);
      return change(seen, version, {
        set: [...clearedSlots(0, kept), ...clearedSlots(kept + 1, seen.retain)],
        conditions: [isActive, 'nextCheckpointId[0] = :next AND retain = :retain'],
        names: active.names,
        values: {
          ...active.values,
          ':next': seen.nextCheckpointId,
          ':retain': seen.retain,
          ...(seen.retain > 1 ? { ':none': null } : {}),
        },
      });
    },

    discardAll: (name, version, requestMark) =>
      change(name, version, {
        set: ['checkpoints = :none, discardedBy = :request'],
        conditions: [isActive, 'discardedBy <> :request'],
        names: active.names,
        values: {
          ...active.values,
          ':none': Array.from({ length: checkpointSlots }, () => null),
          ':request': requestMark,
        },
      }),

    removeSavepoint: (name, version, payloadId, ttl) =>
      change(name, version, {
        set: ttl === undefined ? [] : ['#ttl = :ttl'],
        remove: ['savepoints.#id'],
        conditions: ['attribute_exists(savepoints.#id)', ...(ttl === undefined ? [] : ['size(savepoints) = :one'])],
        names: { '#id': payloadId, ...(ttl === undefined ? {} : { '#ttl': 'ttl' }) },
        values: ttl === undefined ? {} : { ':ttl': ttl, ':one': 1 },
      }),
  };
}

const slots = (count: number) => Array.from({ length: count }, (_, at) => at);

/** Moves every slot of a register one further, except where the list of cut slots stands in the way. */
function shift(register: string, length: number): string[] {
  return slots(length - 1).map(
    (from) => `${register}[${from + 1}] = if_not_exists(cut[${length - 2 - from}], ${register}[${from}])`,
  );
}

const registers = [
  'checkpoints[0] = :ref',
  ...shift('checkpoints', checkpointSlots),
  '#commits[0] = list_append(:id, nextCheckpointId)',
  ...shift('#commits', commitSlots),
  'nextCheckpointId[0] = nextCheckpointId[0] + :one',
].join(', ');
const isNew = [
  ...slots(commitSlots).map((slot) => `#commits[${slot}][0] <> :payload`),
  'graph.id <> :payload AND attribute_not_exists(savepoints.#payload)',
].join(' AND ');

function common({ payload, metadata, expected }: NewCheckpoint) {
  return {
    conditions: [isActive, isNew, ...(expected === undefined ? [] : ['nextCheckpointId[0] = :expected'])],
    names: { ...active.names, '#commits': 'commits', '#payload': payload.payloadId },
    ref: storedRef({ ...payload, metadata }),
    values: {
      ...active.values,
      ':one': 1,
      ':payload': idBytes(payload.payloadId),
      ...(expected === undefined ? {} : { ':expected': expected }),
    },
  };
}

function addCheckpoint(checkpoint: NewCheckpoint): Expression {
  const { ref, values, ...rest } = common(checkpoint);
  return { ...rest, set: [registers], values: { ...values, ':ref': ref, ':id': [values[':payload']] } };
}

function addSavepoint(checkpoint: NewCheckpoint): Expression {
  const { ref, values, conditions, names } = common(checkpoint);
  return {
    set: [
      'savepoints.#payload = list_append(:ref, nextCheckpointId)',
      'nextCheckpointId[0] = nextCheckpointId[0] + :one',
    ],
    conditions: [...conditions, 'size(savepoints) < :most'],
    names,
    values: { ...values, ':ref': [ref], ':most': maxSavepoints },
  };
}
