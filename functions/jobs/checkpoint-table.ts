/** The DynamoDB requests on the checkpoints of a job: each is one conditional update of the job's item. */
import { type DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { groupKey, groupsIndex } from '../leadership/keys.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { type Conditional, conditional } from '../platform/conditional.ts';
import { stateLockMs } from '../platform/settings.ts';
import type { NewCheckpoint, Way } from './checkpoint.ts';
import type { Change, CheckpointStore } from './checkpoint-store.ts';
import { requireChange } from './invariants.ts';
import { isDamaged, type Job, type JobName, type JobRecord, maxSavepoints, newestOf } from './job.ts';
import { checkpointSlots, commitSlots, idBytes, owesCleanUp, storedRef, storedRegisters, toJob } from './job-item.ts';
import { jobKey, jobPrefix } from './keys.ts';
import { notStateLocked, pastStateLock } from './state-locks-table.ts';

const isActive = '#state = :active';
const nextRevision = 'revision = revision + :one';
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
  lockMs = stateLockMs(),
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
    const guarded = { client, table, Key: jobKey(group, jobId), clock, lockMs };
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
    commit: (name, version, checkpoint, way) => change(name, version, commitOf(checkpoint, way)),

    commitWhole: (seen, version, after) => {
      requireChange(seen, after);
      const { conditions, values } = unchanged(seen);
      const { checkpoints, commits } = storedRegisters(after);
      return change(seen, version, {
        set: ['checkpoints = :refs, #commits = :commits, nextCheckpointId[0] = :after, newest = :id'],
        conditions,
        names: { ...active.names, '#commits': 'commits' },
        values: {
          ...values,
          ':refs': checkpoints,
          ':commits': commits,
          ':after': after.nextCheckpointId,
          ':id': newestOf(after),
        },
      });
    },

    reserve: (name, version) =>
      change(name, version, {
        set: ['nextCheckpointId[0] = nextCheckpointId[0] + :one'],
        conditions: [isActive],
        names: active.names,
        values: { ...active.values, ':one': 1 },
      }),

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
      const { set = [], values } = dropped(seen, (id) => id === checkpointId);
      const { conditions, values: compared } = unchanged(seen);
      return change(seen, version, {
        set: [...set, nextRevision],
        conditions,
        names: active.names,
        values: { ...compared, ...values, ':one': 1 },
      });
    },

    dropOne: (seen, version, checkpointId) => {
      const { set = [], values } = dropped(seen, (id) => id !== checkpointId);
      const { conditions, values: compared } = unchanged(seen);
      return change(seen, version, {
        set: [...set, nextRevision],
        conditions,
        names: active.names,
        values: { ...compared, ...values, ':one': 1 },
      });
    },

    discardAll: (name, version, requestMark) =>
      change(name, version, {
        set: ['checkpoints = :none, discardedBy = :request', nextRevision],
        conditions: [isActive, 'discardedBy <> :request'],
        names: active.names,
        values: {
          ...active.values,
          ':none': Array.from({ length: checkpointSlots }, () => null),
          ':request': requestMark,
          ':one': 1,
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

    async acknowledgeCleanUp(name, version) {
      const owed = owesCleanUp(name.group);
      const { record, took } = await update(
        name,
        version,
        {
          set: ['groupsPk = :owed, #group = :group'],
          remove: ['cleanUp'],
          conditions: ['#state = :finished', notStateLocked],
          names: { ...active.names, '#group': groupsIndex.sortKey },
          values: {
            ':finished': 'FINISHED',
            ':owed': owed[groupsIndex.partitionKey],
            ':group': owed[groupsIndex.sortKey],
          },
        },
        'ALL_NEW',
      );
      return took && record ? { won: record } : { lost: record };
    },
  };
}

const slots = (count: number) => Array.from({ length: count }, (_, at) => at);

/** Moves every slot of a register one further, except where the list of cut slots stands in the way. */
function shift(register: string, length: number): string[] {
  return slots(length - 1).map(
    (from) => `${register}[${from + 1}] = if_not_exists(cut[${length - 2 - from}], ${register}[${from}])`,
  );
}

const shifted = [...shift('#refs', checkpointSlots), ...shift('#commits', commitSlots)].join(', ');

const isNew = (payload: string) => slots(commitSlots).map((slot) => `#commits[${slot}][0] <> ${payload}`);

/** The id of a commit, what it leaves as the next and as the newest one, and when it may be given. */
const ids: Record<Exclude<Way, 'whole'>, { id: string; set: string[]; conditions: string[] }> = {
  next: {
    id: 'nextCheckpointId',
    set: ['newest = nextCheckpointId[0]', 'nextCheckpointId[0] = nextCheckpointId[0] + :one'],
    conditions: [],
  },
  fresh: {
    id: ':given',
    set: ['newest = :id', 'nextCheckpointId[0] = :after'],
    conditions: ['nextCheckpointId[0] <= :id AND newest < :id'],
  },
  reserved: { id: ':given', set: ['newest = :id'], conditions: ['nextCheckpointId[0] > :id AND newest < :id'] },
};

function idValues({ checkpointId }: NewCheckpoint, way: Way): Record<string, unknown> {
  if (checkpointId === undefined) return { ':one': 1 };
  return {
    ':id': checkpointId,
    ':given': [checkpointId],
    ...(way === 'fresh' ? { ':after': checkpointId + 1 } : {}),
  };
}

function commitOf(checkpoint: NewCheckpoint, way: Exclude<Way, 'whole'>): Expression {
  const { payload, otherPayloadId, metadata, expected, kind } = checkpoint;
  const { id, set, conditions } = ids[way];
  const isCheckpoint = kind === 'checkpoint';
  const ref = storedRef({ ...payload, metadata });
  const other = otherPayloadId === undefined ? [] : [...isNew(':other'), 'attribute_not_exists(savepoints.#other)'];
  return {
    set: isCheckpoint
      ? [`#refs[0] = :ref, #commits[0] = list_append(:commit, ${id})`, shifted, ...set]
      : [`savepoints.#payload = list_append(:ref, ${id})`, ...set],
    conditions: [
      isActive,
      ...isNew(':payload'),
      'graph.id <> :payload AND attribute_not_exists(savepoints.#payload)',
      ...other,
      ...conditions,
      ...(expected === undefined ? [] : ['nextCheckpointId[0] = :expected']),
      isCheckpoint ? 'retain <= :slots' : 'size(savepoints) < :most',
    ],
    names: {
      ...active.names,
      '#commits': 'commits',
      '#payload': payload.payloadId,
      ...(isCheckpoint ? { '#refs': 'checkpoints' } : {}),
      ...(otherPayloadId === undefined ? {} : { '#other': otherPayloadId }),
    },
    values: {
      ...active.values,
      ...idValues(checkpoint, way),
      ':payload': idBytes(payload.payloadId),
      ...(isCheckpoint
        ? { ':ref': ref, ':commit': [idBytes(payload.payloadId)], ':slots': checkpointSlots }
        : { ':ref': [ref], ':most': maxSavepoints }),
      ...(expected === undefined ? {} : { ':expected': expected }),
      ...(otherPayloadId === undefined ? {} : { ':other': idBytes(otherPayloadId) }),
    },
  };
}

/** That nothing was committed, reserved, dropped or replaced since the job was seen. */
function unchanged(seen: Job): { conditions: string[]; values: Record<string, unknown> } {
  return {
    conditions: [
      isActive,
      'nextCheckpointId[0] = :next AND newest = :newest AND retain = :retain AND revision = :revision',
    ],
    values: {
      ...active.values,
      ':next': seen.nextCheckpointId,
      ':newest': newestOf(seen),
      ':retain': seen.retain,
      ':revision': seen.revision ?? 0,
    },
  };
}

/** Clearing single slots can never bring back what another request has dropped meanwhile; lists are written under `unchanged`. */
function dropped(seen: Job, isKept: (checkpointId: number) => boolean): Pick<Expression, 'set' | 'values'> {
  if (seen.retain <= checkpointSlots) {
    const gone = slots(seen.retain).filter((at) => !isKept(seen.commits[at]?.checkpointId ?? -1));
    return {
      set: gone.map((at) => `checkpoints[${at}] = :none`),
      values: gone.length > 0 ? { ':none': null } : {},
    };
  }
  const checkpoints = seen.checkpoints.filter(({ checkpointId }) => isKept(checkpointId));
  return { set: ['checkpoints = :refs'], values: { ':refs': storedRegisters({ ...seen, checkpoints }).checkpoints } };
}
