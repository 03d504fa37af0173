/**
 * The binding of a replica to its DynamoDB table. Every position is written in one transaction with the replica's
 * record, whose revision rises with it: so a decision of the acceptor's rules that was taken on a read still stands
 * when the record's revision does. The hot paths, promise and write, try the rule as a condition at once and fall back
 * to that.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  BatchWriteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { conditional } from '../../../store/conditional.ts';
import { isUnavailable } from '../../../store/store-errors.ts';
import type { Decision, MetaChange } from '../protocol/acceptor.ts';
import * as acceptor from '../protocol/acceptor.ts';
import { StaleConfigurationError, UnreachableError } from '../protocol/quorum.ts';
import {
  type Action,
  ballotKey,
  dataBytes,
  isLearned,
  type Meta,
  type Moved,
  nothingThere,
  type Replica,
  rangeBytes,
  type WriteRequest,
} from '../protocol/replica.ts';
import type { Epoch } from './replica-epoch.ts';
import { type Item, logKey, metaKey, positionKey, type StoredMeta, toAction, toItem, toMeta } from './replica-item.ts';

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Tries of one request against others that change the replica at the same time. */
const tries = 12;

export interface ReplicaTableProps {
  readonly id: string;
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
  /** Of the table; shared by all its logs. */
  readonly epoch: Epoch;
  readonly group: string;
  readonly log: string;
  /** The version of the log's configuration that the caller follows. */
  readonly configuration: number;
}

/** One replica of one log. Throws `UnreachableError` where the table gives no answer. */
export function replicaTable({ id, client, table, epoch, group, log, configuration }: ReplicaTableProps): Replica {
  const pk = logKey(group, log);
  const metaAt = { TableName: table, Key: { pk, sk: metaKey } };

  const readStored = async (): Promise<StoredMeta | undefined> => {
    const { Item } = await client.send(new GetCommand({ ...metaAt, ConsistentRead: true }));
    const stored = toMeta(Item);
    if (!stored) return undefined;
    return { ...stored, meta: acceptor.inForce(stored.meta, await epoch.known(stored.meta.epoch)) };
  };

  const readCurrent = async (): Promise<StoredMeta | undefined> => {
    const stored = await readStored();
    if (stored && acceptor.isStale(stored.meta, configuration)) {
      throw new StaleConfigurationError(stored.meta.configuration);
    }
    return stored;
  };

  const readMeta = async () => (await readCurrent())?.meta ?? nothingThere;

  const readActions = async (positions: readonly number[]): Promise<Map<number, Action>> => {
    const [first = 0] = positions;
    const last = positions.at(-1) ?? first;
    const actions = last - first < 2 * positions.length ? (await query(first, last)).actions : await getAll(positions);
    return new Map(actions.map((action) => [action.position, action]));
  };

  const getAll = async (positions: readonly number[]): Promise<Action[]> => {
    const read = async (position: number) => {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: { pk, sk: positionKey(position) }, ConsistentRead: true }),
      );
      return Item ? [toAction(Item)] : [];
    };
    return (await Promise.all(positions.map(read))).flat();
  };

  /** Ends with the page that brings it to `mostBytes`. */
  const query = async (from: number, to: number, mostBytes = Number.POSITIVE_INFINITY) => {
    const actions: Action[] = [];
    let bytes = 0;
    const asked = {
      TableName: table,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: { ':pk': pk, ':from': positionKey(from), ':to': positionKey(to) },
      ConsistentRead: true,
    };
    for await (const { Items = [], LastEvaluatedKey } of paginateQuery({ client }, asked)) {
      const page = Items.map(toAction);
      actions.push(...page);
      bytes += page.reduce((sum, action) => sum + dataBytes(action), 0);
      const last = page.at(-1);
      if (LastEvaluatedKey && last && bytes >= mostBytes) return { actions, to: last.position };
    }
    return { actions, to };
  };

  const put = (action: Action, existing: Action | undefined) => ({
    Put: { TableName: table, Item: toItem(pk, action), ...unchanged(existing) },
  });

  const transact = (items: readonly TransactItem[]) =>
    conditional(() => client.send(new TransactWriteCommand({ TransactItems: [...items] })));

  /** Learning or unlocking with an older configuration does not restore that configuration. */
  const following = (change: MetaChange, { meta }: StoredMeta) =>
    acceptor.following(change, Math.max(configuration, meta.configuration));

  /** Reads, decides by the acceptor's rules and writes what was decided, until nothing came between. */
  const decide = async <Answer>(
    rule: (meta: Meta, actions: Map<number, Action>) => Decision<Answer>,
    { positions = [], read = readCurrent }: { positions?: readonly number[]; read?: typeof readCurrent } = {},
  ): Promise<Answer> => {
    for (let tried = 0; tried < tries; tried += 1) {
      if (tried > 1) await pause(Math.random() * 10 * tried);
      const stored = await read();
      const meta = stored?.meta ?? nothingThere;
      const existing = positions.length > 0 ? await readActions(positions) : new Map<number, Action>();
      const decision = rule(meta, existing);
      if (!stored || (!decision.meta && !decision.actions?.length)) return decision.answer;
      const change = metaChange(metaAt, stored, following(decision.meta ?? {}, stored));
      const actions = decision.actions ?? [];
      const { won } = await (actions.length === 0
        ? conditional(() => client.send(new UpdateCommand(change)))
        : transact([{ Update: change }, ...actions.map((action) => put(action, existing.get(action.position)))]));
      if (won) return decision.answer;
    }
    throw new UnreachableError(`Replica "${id}" changed ${tries} times during one request`);
  };

  /** The same for a change of the record alone; the answer is read from that very update. */
  const move = async (rule: (meta: Meta) => MetaChange | undefined, read = readCurrent): Promise<Moved> => {
    for (let tried = 0; tried < tries; tried += 1) {
      const stored = await read();
      const change = stored && rule(stored.meta);
      if (!stored || !change) return { moved: false, meta: stored?.meta ?? nothingThere };
      const { won } = await conditional(() =>
        client.send(
          new UpdateCommand({ ...metaChange(metaAt, stored, following(change, stored)), ReturnValues: 'ALL_NEW' }),
        ),
      );
      const moved = toMeta(won?.Attributes);
      if (moved) return { moved: true, meta: moved.meta };
    }
    throw new UnreachableError(`Replica "${id}" changed ${tries} times during one request`);
  };

  /**
   * A write at positions without an action, with nobody in between: the rule as a condition. False when it does not
   * hold.
   */
  const writeAtOnce = async (request: WriteRequest): Promise<boolean> => {
    const { number, by, view, entries, learnedTo, fill } = request;
    const [first] = entries;
    const last = entries.at(-1);
    if (!first || !last) return false;
    const meta = {
      ...metaAt,
      UpdateExpression: `SET #end = :last, #configuration = :configuration, revision = revision + :one${learnedTo ? ', learnedTo.#ballot = :mark' : ''}`,
      ConditionExpression: [
        '#status = :voting AND #view = :view AND epoch = :epoch AND #begin <= :first AND #end <= :last',
        '#configuration <= :configuration',
        '(promised < :number OR (promised = :number AND promisedBy = :by))',
        ...(fill ? [] : ['attribute_not_exists(#lock)']),
      ].join(' AND '),
      ExpressionAttributeNames: {
        '#status': 'status',
        '#view': 'view',
        '#begin': 'begin',
        '#end': 'end',
        '#configuration': 'configuration',
        ...(fill ? {} : { '#lock': 'lock' }),
        ...(learnedTo ? { '#ballot': ballotKey(number, by) } : {}),
      },
      ExpressionAttributeValues: {
        ':voting': 'VOTING',
        ':configuration': configuration,
        ':view': view,
        ':epoch': await epoch.known(),
        ':first': first.position,
        ':last': last.position,
        ':number': number,
        ':by': by,
        ':one': 1,
        ...(learnedTo ? { ':mark': learnedTo } : {}),
      },
    };
    const positions = entries.map(({ position, value }) => ({
      Put: {
        TableName: table,
        Item: toItem(pk, acceptor.performed(position, { number, by }, value)),
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    }));
    return (await transact([{ Update: meta }, ...positions])).won !== undefined;
  };

  return reachable(id, {
    id,
    read: readMeta,

    promise: (request) => decide((meta) => acceptor.promise(meta, request)),

    promiseAt: (request) =>
      decide((meta, actions) => acceptor.promiseAt(meta, actions.get(request.position), request), {
        positions: [request.position],
      }),

    async write(request) {
      if (await writeAtOnce(request)) return { verdict: 'ACCEPT' };
      const positions = request.entries.map(({ position }) => position);
      return decide(
        (meta, actions) =>
          acceptor.write(
            meta,
            positions.map((at) => actions.get(at)),
            request,
          ),
        { positions },
      );
    },

    learn: (actions) =>
      decide((meta, existing) => acceptor.learn(meta, existing, actions), {
        positions: actions.map(({ position }) => position).toSorted((one, other) => one - other),
        read: readStored,
      }),

    async range(from, to) {
      const meta = await readMeta();
      const read = meta.incarnation === '' ? { actions: [], to } : await query(from, to, rangeBytes);
      return {
        meta,
        to: read.to,
        actions: read.actions.map((action) => (isLearned(meta, action) ? { ...action, learned: true } : action)),
      };
    },

    async create({ incarnation, view }) {
      const created = await epoch.fresh();
      const meta: Meta = { ...nothingThere, incarnation, view, epoch: created, configuration };
      await transact([
        {
          Put: {
            TableName: table,
            Item: { ...metaAt.Key, ...meta, revision: 1 },
            ConditionExpression: 'attribute_not_exists(pk) OR epoch <> :epoch',
            ExpressionAttributeValues: { ':epoch': created },
          },
        },
      ]);
      return readMeta();
    },

    transition: (expected, change) => move((meta) => acceptor.transition(meta, expected, change)),
    empty: (request) => move((meta) => acceptor.empty(meta, request)),
    replaceView: (view) => move((meta) => acceptor.replaceView(meta, view)),
    lock: (request) => move((meta) => acceptor.lock(meta, request)),
    unlock: (lockId) => move((meta) => acceptor.unlock(meta, lockId), readStored),

    async discard(limit) {
      const { begin } = (await readStored())?.meta ?? nothingThere;
      if (begin === 0) return { discarded: 0, more: false };
      // A page ends after 1 MiB of whole entries, however few keys those are.
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: { ':pk': pk, ':from': positionKey(0), ':to': positionKey(begin - 1) },
          ProjectionExpression: 'pk, sk',
          Limit: limit + 1,
        }),
      );
      const keys = Items.slice(0, limit);
      for (let at = 0; at < keys.length; at += 25) await deleteAll(client, table, keys.slice(at, at + 25));
      return { discarded: keys.length, more: Items.length > limit || LastEvaluatedKey !== undefined };
    },
  });
}

/**
 * The value that was read at a position must be unchanged. The record's revision alone does not say so: a read may miss
 * what a transaction wrote there that the record already shows.
 */
function unchanged(existing: Action | undefined) {
  if (!existing) return { ConditionExpression: 'attribute_not_exists(pk)' };
  const { promised, promisedBy, performed, performedBy, learned } = existing;
  return {
    ConditionExpression: [
      'promised = :promised AND promisedBy = :promisedBy',
      performed === undefined
        ? 'attribute_not_exists(performed)'
        : 'performed = :performed AND performedBy = :performedBy',
      learned ? 'learned = :learned' : 'attribute_not_exists(learned)',
    ].join(' AND '),
    ExpressionAttributeValues: {
      ':promised': promised,
      ':promisedBy': promisedBy,
      ...(performed !== undefined && { ':performed': performed, ':performedBy': performedBy }),
      ...(learned && { ':learned': true }),
    },
  };
}

/** A change of the record, conditioned on the revision that it was decided on. */
function metaChange(at: { TableName: string; Key: Item }, { meta, revision }: StoredMeta, change: MetaChange) {
  const names = Object.keys(change) as (keyof Meta)[];
  const set = names.filter((name) => change[name] !== undefined);
  const remove = names.filter((name) => change[name] === undefined);
  const clauses = ['SET revision = revision + :one', ...set.map((name) => `#${name} = :${name}`)].join(', ');
  return {
    ...at,
    UpdateExpression: remove.length > 0 ? `${clauses} REMOVE ${remove.map((name) => `#${name}`).join(', ')}` : clauses,
    ConditionExpression: 'revision = :revision AND epoch = :inForce',
    ...(names.length > 0 && { ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])) }),
    ExpressionAttributeValues: {
      ...Object.fromEntries(set.map((name) => [`:${name}`, change[name]])),
      ':one': 1,
      ':revision': revision,
      ':inForce': meta.epoch,
    },
  };
}

async function deleteAll(client: DynamoDBDocumentClient, table: string, keys: readonly Item[]): Promise<void> {
  let requests = keys.map((Key) => ({ DeleteRequest: { Key } }));
  while (requests.length > 0) {
    const { UnprocessedItems } = await client.send(new BatchWriteCommand({ RequestItems: { [table]: requests } }));
    requests = (UnprocessedItems?.[table] ?? []) as typeof requests;
  }
}

/**
 * A table that is throttled, cannot be reached or is gone gives no answer; every other error is a bug and stays one.
 */
function reachable(id: string, replica: Replica): Replica {
  const guarded = Object.entries(replica).map(([name, method]) => [
    name,
    typeof method !== 'function'
      ? method
      : (...args: unknown[]) =>
          (method as (...given: unknown[]) => Promise<unknown>)(...args).catch((cause: unknown) => {
            const gone = cause instanceof Error && cause.name === 'ResourceNotFoundException';
            if (gone || isUnavailable(cause)) throw new UnreachableError(`Replica "${id}" gives no answer`, { cause });
            throw cause;
          }),
  ]);
  return Object.fromEntries(guarded) as Replica;
}
