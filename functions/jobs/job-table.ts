/**
 * The DynamoDB requests of the registry of jobs. Every write is one conditional request that hands back the record that
 * won.
 */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Fence } from '../../api/fence.ts';
import { leadershipCondition } from '../../leadership/fence.ts';
import { groupKey, groupsIndex } from '../../leadership/keys.ts';
import { toRecord } from '../../leadership/lease-items.ts';
import { type Clock, systemClock } from '../../store/clock.ts';
import { conditional, decided, once } from '../../store/conditional.ts';
import { stateLockMs } from '../platform/settings.ts';
import { type Job, type JobName, type JobRecord, newestOf, type Result } from './job.ts';
import {
  checkpointSlots,
  clearedSlots,
  cutOff,
  noJob,
  owesCleanUp,
  storedGraph,
  storedRegisters,
  toItem,
  toJob,
} from './job-item.ts';
import type { JobStore, JobWrite, Page, Replacement, Submission } from './job-store.ts';
import { jobCountKey, jobKey, jobPrefix } from './keys.ts';
import { type Guarded, notStateLocked, pastStateLock } from './state-locks-table.ts';

/** The port, bound to the main table. */
export class JobTable implements JobStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  /** Parts of a write that a state lock may hold back. */
  readonly #guarded: Omit<Guarded, 'Key'>;

  constructor(client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock, lockMs = stateLockMs()) {
    this.#client = client;
    this.#table = table;
    this.#guarded = { client, table, clock, lockMs };
  }

  async read({ group, jobId }: JobName): Promise<JobRecord | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: jobKey(group, jobId), ConsistentRead: true }),
    );
    return toJob(Item);
  }

  async list(group: string, after: string | undefined, limit: number): Promise<Page<JobRecord>> {
    const { Items = [], LastEvaluatedKey } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': jobPrefix },
        ...(after === undefined ? {} : { ExclusiveStartKey: { pk: groupKey(group), sk: after } }),
        ConsistentRead: true,
        Limit: limit,
      }),
    );
    return {
      items: Items.flatMap((item) => toJob(item) ?? []),
      last: LastEvaluatedKey?.['sk'] as string | undefined,
    };
  }

  async submit(job: Job, fence: Fence, now: number, most: number): Promise<Submission> {
    const leads = leadershipCondition(this.#table, job.group, fence, now).ConditionCheck;
    const ConditionExpression = `${leads.ConditionExpression} AND ${notStateLocked}`;
    const Put = {
      TableName: this.#table,
      Item: toItem(job),
      ...noJob,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
    const write = () => {
      const TransactItems = [
        { ConditionCheck: { ...leads, ConditionExpression } },
        { Put },
        { Update: oneJobMore(this.#table, job.group, most) },
      ];
      return decided(this.#client.send(once(new TransactWriteCommand({ TransactItems }))));
    };
    const { won, lost } = await pastStateLock({ ...this.#guarded, Key: leads.Key }, write);
    if (won) return { won: job };
    const [ended, present, full] = [0, 1, 2].map((place) => lost.find(({ at }) => at === place));
    return {
      present: toJob(present?.item),
      ended: ended && { leadership: toRecord(ended.item) },
      jobs: full && Number(full.item?.['count']),
    };
  }

  replace(seen: Job, version: number, replacement: Replacement): Promise<JobWrite> {
    const { graph, retain = seen.retain, metadata, requestId } = replacement;
    const registers = retained(seen, retain);
    return this.#update(seen, {
      set: [
        'fence = :version, graph = :graph, requestId = :request, requestBefore = :seen',
        'retain = :retain, cut = :cut, revision = revision + :one',
        ...registers.set,
        ...(metadata === undefined ? [] : ['metadata = :metadata']),
      ],
      condition: ['requestId = :seen AND retain = :seenRetain', ...registers.condition],
      names: registers.names,
      values: {
        ':version': version,
        ':graph': storedGraph(graph),
        ':request': requestId,
        ':retain': retain,
        ':cut': cutOff(retain),
        ':seen': seen.requestId,
        ':seenRetain': seen.retain,
        ':one': 1,
        ...registers.values,
        ...(metadata === undefined ? {} : { ':metadata': JSON.stringify(metadata) }),
      },
    });
  }

  finish(name: JobName, version: number, result: Result, cleanUp: 'held' | undefined): Promise<JobWrite> {
    const owed = owesCleanUp(name.group);
    const held = cleanUp === 'held';
    return this.#update(name, {
      set: [
        '#state = :finished, fence = :version, #result = :result',
        held ? 'cleanUp = :held' : 'groupsPk = :owed, #group = :group',
      ],
      names: { '#result': 'result', ...(held ? {} : { '#group': groupsIndex.sortKey }) },
      values: {
        ':version': version,
        ':finished': 'FINISHED',
        ':result': result,
        ...(held
          ? { ':held': 'held' }
          : { ':owed': owed[groupsIndex.partitionKey], ':group': owed[groupsIndex.sortKey] }),
      },
    });
  }

  async #update({ group, jobId }: JobName, expression: Expression): Promise<JobWrite> {
    const Key = jobKey(group, jobId);
    const command = {
      TableName: this.#table,
      Key,
      UpdateExpression: `SET ${expression.set.join(', ')}`,
      ConditionExpression: [
        '#state = :active AND fence <= :version',
        notStateLocked,
        ...(expression.condition ?? []),
      ].join(' AND '),
      ExpressionAttributeNames: { '#state': 'state', ...expression.names },
      ExpressionAttributeValues: { ':active': 'ACTIVE', ...expression.values },
      ReturnValues: 'ALL_NEW' as const,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
    const write = () => conditional(() => this.#client.send(new UpdateCommand(command)));
    const { won, lost } = await pastStateLock({ ...this.#guarded, Key }, write);
    return won ? { won: written(toJob(won.Attributes)) } : { lost: toJob(lost[0]?.item) };
  }
}

/** Counts a job that is not cleaned up, unless the group has as many as it may have. */
function oneJobMore(table: string, group: string, most: number) {
  return {
    TableName: table,
    Key: jobCountKey(group),
    UpdateExpression: 'SET #count = if_not_exists(#count, :zero) + :one',
    ConditionExpression: 'attribute_not_exists(#count) OR #count < :most',
    ExpressionAttributeNames: { '#count': 'count' },
    ExpressionAttributeValues: { ':zero': 0, ':one': 1, ':most': most },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
}

/**
 * The effect of another retention on the registers; lists beyond them are written as a whole, if nothing has changed.
 */
function retained(seen: Job, retain: number) {
  if (Math.max(retain, seen.retain) <= checkpointSlots) {
    const set = clearedSlots(retain, seen.retain);
    return { set, condition: [], names: {}, values: set.length > 0 ? { ':none': null } : {} };
  }
  const { checkpoints, commits } = storedRegisters({ ...seen, retain });
  return {
    set: ['checkpoints = :refs, #commits = :commits'],
    condition: ['nextCheckpointId[0] = :next AND newest = :newest AND revision = :revision'],
    names: { '#commits': 'commits' },
    values: {
      ':refs': checkpoints,
      ':commits': commits,
      ':next': seen.nextCheckpointId,
      ':newest': newestOf(seen),
      ':revision': seen.revision ?? 0,
    },
  };
}

interface Expression {
  readonly set: readonly string[];
  readonly condition?: readonly string[];
  readonly names?: Record<string, string>;
  readonly values: Record<string, unknown>;
}

function written(record: JobRecord | undefined): JobRecord {
  if (!record) throw new Error('A write to a job succeeded and left no record');
  return record;
}
