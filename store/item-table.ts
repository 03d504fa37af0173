/** The DynamoDB requests of an item store. */
import {
  BatchGetCommand,
  type BatchGetCommandInput,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { assertNever } from '../api/assert-never.ts';
import type { Condition } from './condition.ts';
import { conditional, once, tryOnce } from './conditional.ts';
import { Placeholders, renderCondition, renderUpdate } from './expression.ts';
import type { Item, Key } from './item.ts';
import type { ItemStore, Page, Query, ReadOptions, WriteOptions, Written } from './item-store.ts';
import { retryConflicts } from './retry-conflicts.ts';
import type { Check, UpdateWrite, Write } from './write.ts';

/** As many as DynamoDB reads in one request. */
const batchSize = 100;
const batchTries = 8;

export class ItemTable implements ItemStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async get(key: Key, { consistent = false }: ReadOptions = {}): Promise<Item | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: keyOf(key), ConsistentRead: consistent }),
    );
    return Item;
  }

  async getAll(keys: readonly Key[], { consistent = false }: ReadOptions = {}): Promise<readonly Item[]> {
    const starts = Array.from({ length: Math.ceil(keys.length / batchSize) }, (_, at) => at * batchSize);
    const batches = await Promise.all(
      starts.map((from) => this.#batch(keys.slice(from, from + batchSize), consistent)),
    );
    return batches.flat();
  }

  /** DynamoDB leaves over what does not fit into an answer, or into the capacity. */
  async #batch(keys: readonly Key[], consistent: boolean): Promise<Item[]> {
    const items: Item[] = [];
    let left: BatchGetCommandInput['RequestItems'] = {
      [this.#table]: { Keys: keys.map(keyOf), ...(consistent && { ConsistentRead: true }) },
    };
    return retryConflicts({ tries: batchTries, of: 'a batch of reads' }, async () => {
      const answer = await this.#client.send(new BatchGetCommand({ RequestItems: left }));
      items.push(...(answer.Responses?.[this.#table] ?? []));
      left = answer.UnprocessedKeys ?? {};
      return Object.keys(left).length === 0 ? { kind: 'done', value: items } : { kind: 'conflict' };
    });
  }

  async query({ where, index, filter, descending, consistent, limit, after }: Query): Promise<Page> {
    const placeholders = new Placeholders();
    const { Items = [], LastEvaluatedKey } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        ...(index && { IndexName: index.name }),
        KeyConditionExpression: renderCondition(where, placeholders),
        ...(filter && { FilterExpression: renderCondition(filter, placeholders) }),
        ...placeholders.attributes(),
        ...(descending && { ScanIndexForward: false }),
        ...(consistent && { ConsistentRead: true }),
        Limit: limit,
        ...(after && { ExclusiveStartKey: after }),
      }),
    );
    return { items: Items, last: LastEvaluatedKey };
  }

  async write(writes: readonly [Write, ...Write[]], options: WriteOptions = {}): Promise<Written> {
    const send = writes.length === 1 ? this.#single(writes[0], options) : this.#transaction(writes, options);
    const { won, lost } = await (options.once ? tryOnce(send()) : conditional(send));
    return lost ? { kind: 'refused', refusals: lost } : { kind: 'written', shown: won.shown };
  }

  #single(write: Write, { once: isOnce, ...options }: WriteOptions): () => Promise<{ shown?: Item | undefined }> {
    const command = commandOf(this.#table, write, options);
    if (isOnce) once(command);
    return async () => {
      // The client types each command by itself; these three have the same output.
      const { Attributes } = await this.#client.send(command as UpdateCommand);
      return { shown: Attributes };
    };
  }

  #transaction(writes: readonly Write[], { once: isOnce }: WriteOptions): () => Promise<{ shown?: undefined }> {
    const command = new TransactWriteCommand({
      TransactItems: writes.map((each) => toTransactItem(this.#table, each)),
    });
    if (isOnce) once(command);
    return async () => {
      await this.#client.send(command);
      return {};
    };
  }
}

/** @throws RangeError for a check: alone it writes nothing, so the item is read instead. */
function commandOf(table: string, write: Write, { show, compact }: WriteOptions) {
  switch (write.kind) {
    case 'put':
      return new PutCommand(putOf(table, write));
    case 'delete':
      return new DeleteCommand(deleteOf(table, write));
    case 'update': {
      const shows = show && { ReturnValues: show === 'after' ? ('ALL_NEW' as const) : ('ALL_OLD' as const) };
      return new UpdateCommand({ ...updateOf(table, write, compact), ...shows });
    }
    case 'check':
      throw new RangeError('A check alone writes nothing: read the item instead');
    default:
      return assertNever(write);
  }
}

/** A write as an entry of a transaction that may also hold requests of another making. */
export function toTransactItem(table: string, write: Write) {
  switch (write.kind) {
    case 'put':
      return { Put: putOf(table, write) };
    case 'update':
      return { Update: updateOf(table, write) };
    case 'delete':
      return { Delete: deleteOf(table, write) };
    case 'check':
      return { ConditionCheck: toConditionCheck(table, write) };
    default:
      return assertNever(write);
  }
}

/** The same of a check alone. */
function toConditionCheck(table: string, { key, condition }: Check) {
  const placeholders = new Placeholders();
  const ConditionExpression = renderCondition(condition, placeholders);
  return { TableName: table, Key: keyOf(key), ConditionExpression, ...showWinner, ...placeholders.attributes() };
}

const keyOf = ({ pk, sk }: Key) => ({ pk, sk });

const showWinner = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const };

function putOf(table: string, { key, item, condition }: Write & { kind: 'put' }) {
  return { TableName: table, Item: { ...item, ...keyOf(key) }, ...conditionOf(condition, new Placeholders()) };
}

function deleteOf(table: string, { key, condition }: Write & { kind: 'delete' }) {
  return { TableName: table, Key: keyOf(key), ...conditionOf(condition, new Placeholders()) };
}

/** The input of an UpdateCommand. */
export function updateOf(table: string, { key, update, condition }: UpdateWrite, compact?: boolean) {
  const placeholders = new Placeholders({ compact });
  const UpdateExpression = renderUpdate(update, placeholders);
  return { TableName: table, Key: keyOf(key), UpdateExpression, ...conditionOf(condition, placeholders) };
}

/** The condition, if there is one, and what the placeholders of the whole request stand for. */
function conditionOf(condition: Condition | undefined, placeholders: Placeholders) {
  const rendered = condition && { ConditionExpression: renderCondition(condition, placeholders), ...showWinner };
  return { ...rendered, ...placeholders.attributes() };
}
