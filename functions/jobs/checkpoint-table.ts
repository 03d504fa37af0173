/** The DynamoDB requests on the checkpoints of a job: each is one conditional update of the job's item. */
import { type DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { groupKey, groupsIndex } from '../../leadership/keys.ts';
import { type Clock, systemClock } from '../../store/clock.ts';
import { type Conditional, conditional } from '../../store/conditional.ts';
import { stateLockMs } from '../platform/settings.ts';
import type { NewCheckpoint, Way } from './checkpoint.ts';
import {
  active,
  commitOf,
  dropped,
  type Expression,
  isActive,
  nextRevision,
  unchanged,
} from './checkpoint-expressions.ts';
import type { Change, CheckpointStore, Unfinished } from './checkpoint-store.ts';
import { requireChange } from './invariants.ts';
import { isDamaged, type Job, type JobName, type JobRecord, newestOf } from './job.ts';
import { checkpointSlots, owesCleanUp, storedRegisters, toJob } from './job-item.ts';
import type { JobWrite } from './job-store.ts';
import { jobKey, jobPrefix } from './keys.ts';
import { notStateLocked, pastStateLock } from './state-locks-table.ts';

/** The port, bound to the main table. */
export class CheckpointTable implements CheckpointStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #clock: Clock;
  readonly #lockMs: number;

  constructor(client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock, lockMs = stateLockMs()) {
    this.#client = client;
    this.#table = table;
    this.#clock = clock;
    this.#lockMs = lockMs;
  }

  commit(name: JobName, version: number, checkpoint: NewCheckpoint, way: Exclude<Way, 'whole'>): Promise<Change> {
    return this.#change(name, version, commitOf(checkpoint, way));
  }

  commitWhole(seen: Job, version: number, after: Job): Promise<Change> {
    requireChange(seen, after);
    const { conditions, values } = unchanged(seen);
    const { checkpoints, commits } = storedRegisters(after);
    return this.#change(seen, version, {
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
  }

  reserve(name: JobName, version: number): Promise<Change> {
    return this.#change(name, version, {
      set: ['nextCheckpointId[0] = nextCheckpointId[0] + :one'],
      conditions: [isActive],
      names: active.names,
      values: { ...active.values, ':one': 1 },
    });
  }

  async listUnfinished(group: string, after: string | undefined, limit: number): Promise<Unfinished> {
    const {
      Items = [],
      ScannedCount = 0,
      LastEvaluatedKey,
    } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        // A record without a readable state must be listed, too: it is damaged.
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
  }

  async claim(name: JobName, version: number): Promise<JobWrite> {
    const { record, took } = await this.#update(name, version, { conditions: [isActive], ...active }, 'ALL_NEW');
    return took && record ? { won: record } : { lost: record };
  }

  keepOnly(seen: Job, version: number, checkpointId: number): Promise<Change> {
    return this.#drop(seen, version, (id) => id === checkpointId);
  }

  dropOne(seen: Job, version: number, checkpointId: number): Promise<Change> {
    return this.#drop(seen, version, (id) => id !== checkpointId);
  }

  discardAll(name: JobName, version: number, requestMark: string): Promise<Change> {
    return this.#change(name, version, {
      set: ['checkpoints = :none, discardedBy = :request', nextRevision],
      conditions: [isActive, 'discardedBy <> :request'],
      names: active.names,
      values: {
        ...active.values,
        ':none': Array.from({ length: checkpointSlots }, () => null),
        ':request': requestMark,
        ':one': 1,
      },
    });
  }

  removeSavepoint(name: JobName, version: number, payloadId: string, ttl: number | undefined): Promise<Change> {
    return this.#change(name, version, {
      set: ttl === undefined ? [] : ['#ttl = :ttl'],
      remove: ['savepoints.#id'],
      conditions: ['attribute_exists(savepoints.#id)', ...(ttl === undefined ? [] : ['size(savepoints) = :one'])],
      names: { '#id': payloadId, ...(ttl === undefined ? {} : { '#ttl': 'ttl' }) },
      values: ttl === undefined ? {} : { ':ttl': ttl, ':one': 1 },
    });
  }

  async acknowledgeCleanUp(name: JobName, version: number): Promise<JobWrite> {
    const owed = owesCleanUp(name.group);
    const { record, took } = await this.#update(
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
  }

  #drop(seen: Job, version: number, isKept: (checkpointId: number) => boolean): Promise<Change> {
    const { set = [], values } = dropped(seen, isKept);
    const { conditions, values: compared } = unchanged(seen);
    return this.#change(seen, version, {
      set: [...set, nextRevision],
      conditions,
      names: active.names,
      values: { ...compared, ...values, ':one': 1 },
    });
  }

  async #change(name: JobName, version: number, expression: Expression): Promise<Change> {
    const conditions = [notStateLocked, ...(expression.conditions ?? [])];
    const { record, took } = await this.#update(name, version, { ...expression, conditions });
    return took && record ? { before: record } : { lost: record };
  }

  async #update(
    { group, jobId }: JobName,
    version: number,
    { set = [], remove = [], conditions = [], names = {}, values = {} }: Expression,
    shows: 'ALL_OLD' | 'ALL_NEW' = 'ALL_OLD',
  ) {
    const Key = jobKey(group, jobId);
    const command = {
      TableName: this.#table,
      Key,
      UpdateExpression: [
        `SET ${['fence = :version', ...set].join(', ')}`,
        remove.length > 0 ? `REMOVE ${remove.join(', ')}` : '',
      ].join(' '),
      ConditionExpression: ['fence <= :version', ...conditions].join(' AND '),
      ...(Object.keys(names).length > 0 ? { ExpressionAttributeNames: names } : {}),
      ExpressionAttributeValues: { ':version': version, ...values },
      ReturnValues: shows,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
    const write = () => this.#client.send(new UpdateCommand(command));
    const written = () => conditional(write).catch((error: Error) => this.#unwritable(error, { group, jobId }));
    const guarded = { client: this.#client, table: this.#table, Key, clock: this.#clock, lockMs: this.#lockMs };
    // A claim is never held back: a new leader continues at once.
    const isHeldBack = conditions.includes(notStateLocked);
    const { won, lost } = await (isHeldBack ? pastStateLock(guarded, written) : written());
    return { record: toJob(won ? won.Attributes : lost[0]?.item), took: won !== undefined };
  }

  /** An expression does not fit a deformed record: that record then counts as the winner. */
  async #unwritable(error: Error, { group, jobId }: JobName): Promise<Conditional<never>> {
    if (error.name !== 'ValidationException') throw error;
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: jobKey(group, jobId), ConsistentRead: true }),
    );
    if (!Item || !isDamaged(toJob(Item) as JobRecord)) throw error;
    return { lost: [{ at: 0, item: Item }] };
  }
}
