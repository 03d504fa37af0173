/**
 * The DynamoDB requests of workers and their mailboxes. No function may delete an item here; what is over gets a time
 * to live.
 */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../../../leadership/keys.ts';
import { type Conditional, conditional } from '../../../store/conditional.ts';
import { commandKey, commandPrefix, workerKey, workerPrefix } from '../keys.ts';
import type { Worker } from './candidates.ts';
import type { CommandAnswer, Instance, Posted, Seen, WorkerStore } from './worker-store.ts';

const dayMs = 24 * 3_600_000;
/** A command that nobody polled within a day expires. */
const expiry = (at: number) => Math.floor((at + dayMs) / 1000);

type Key = ReturnType<typeof workerKey>;
type Update = Omit<UpdateCommandInput, 'TableName' | 'Key'>;

/** The worker port, bound to the main table. */
export class WorkerTable implements WorkerStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async register(group: string, worker: Worker): Promise<void> {
    const Item = { ...workerKey(group, worker.worker), worker, ttl: expiry(worker.lastSeenAt) };
    await this.#client.send(new PutCommand({ TableName: this.#table, Item }));
  }

  async seen(group: string, name: Instance, at: number, expectedAfterMs: number): Promise<Seen> {
    const { lost } = await this.#update(workerKey(group, name.worker), {
      UpdateExpression: 'SET worker.lastSeenAt = :at, worker.expectedAfterMs = :expected, #ttl = :ttl',
      ...ifInstance(name, { ':at': at, ':expected': expectedAfterMs, ':ttl': expiry(at) }),
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    if (!lost) return 'registered';
    return lost[0]?.item?.['worker'] === undefined ? 'unregistered' : 'replaced';
  }

  async hold(group: string, worker: string, now: number, until: number): Promise<boolean> {
    const { won } = await this.#update(workerKey(group, worker), {
      UpdateExpression: 'SET heldUntil = :until',
      ConditionExpression: 'attribute_exists(worker) AND (attribute_not_exists(heldUntil) OR heldUntil <= :now)',
      ExpressionAttributeValues: { ':until': until, ':now': now },
    });
    return won !== undefined;
  }

  async endHold(group: string, worker: string): Promise<void> {
    await this.#update(workerKey(group, worker), {
      UpdateExpression: 'REMOVE heldUntil',
      ConditionExpression: 'attribute_exists(worker)',
    });
  }

  async silent(group: string, worker: string, at: number): Promise<void> {
    await this.#update(workerKey(group, worker), {
      UpdateExpression: 'SET worker.silentAt = :at',
      ConditionExpression: 'attribute_exists(worker)',
      ExpressionAttributeValues: { ':at': at },
    });
  }

  async remove(group: string, name: Instance, now: number): Promise<void> {
    await this.#update(workerKey(group, name.worker), {
      UpdateExpression: 'SET #ttl = :now REMOVE worker, heldUntil',
      ...ifInstance(name, { ':now': Math.floor(now / 1000) }),
      ExpressionAttributeNames: { '#ttl': 'ttl' },
    });
  }

  async find(group: string, worker: string): Promise<Worker | undefined> {
    const item = await this.#get(workerKey(group, worker));
    return item?.['worker'] as Worker | undefined;
  }

  async list(group: string): Promise<Worker[]> {
    const items = await this.#query(group, workerPrefix);
    return items.flatMap(({ worker }) => (worker as Worker | undefined) ?? []);
  }

  async post(group: string, worker: string, posted: Posted): Promise<void> {
    const Item = { ...commandKey(group, worker, posted.command.commandId), posted, ttl: expiry(posted.expiresAt) };
    await this.#client.send(new PutCommand({ TableName: this.#table, Item }));
  }

  async posted(group: string, worker: string, commandId: string): Promise<Posted | undefined> {
    const item = await this.#get(commandKey(group, worker, commandId));
    return item?.['posted'] as Posted | undefined;
  }

  async mailbox(group: string, worker: string): Promise<Posted[]> {
    const items = await this.#query(group, commandPrefix(worker));
    return items.flatMap(({ posted }) => (posted as Posted | undefined) ?? []);
  }

  async answer(group: string, worker: string, commandId: string, answer: CommandAnswer): Promise<Posted | undefined> {
    const { won } = await this.#update(commandKey(group, worker, commandId), {
      UpdateExpression: 'SET posted.answer = :answer',
      ConditionExpression:
        'attribute_exists(posted) AND (attribute_not_exists(posted.answer) OR posted.answer.accepted = :accepted)',
      ExpressionAttributeValues: { ':answer': answer, ':accepted': answer.accepted },
      ReturnValues: 'ALL_NEW',
    });
    return won?.Attributes?.['posted'] as Posted | undefined;
  }

  async withdraw(group: string, worker: string, commandId: string, now: number): Promise<void> {
    await this.#update(commandKey(group, worker, commandId), {
      UpdateExpression: 'SET #ttl = :now REMOVE posted',
      ConditionExpression: 'attribute_exists(posted)',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: { ':now': Math.floor(now / 1000) },
    });
  }

  #update(key: Key, update: Update): Promise<Conditional<{ Attributes?: Record<string, unknown> | undefined }>> {
    return conditional(() => this.#client.send(new UpdateCommand({ TableName: this.#table, Key: key, ...update })));
  }

  async #get(key: Key): Promise<Record<string, unknown> | undefined> {
    const { Item } = await this.#client.send(
      new GetCommand({ TableName: this.#table, Key: key, ConsistentRead: true }),
    );
    return Item;
  }

  async #query(group: string, prefix: string): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = [];
    const wanted = {
      TableName: this.#table,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': prefix },
      ConsistentRead: true,
    };
    for await (const { Items = [] } of paginateQuery({ client: this.#client }, wanted)) found.push(...Items);
    return found;
  }
}

/** Holds for a registered worker, and only for the given instance where both sides name one. */
function ifInstance({ instanceId }: Instance, values: Record<string, unknown>) {
  if (instanceId === undefined) {
    return { ConditionExpression: 'attribute_exists(worker)', ExpressionAttributeValues: values };
  }
  return {
    ConditionExpression:
      'attribute_exists(worker) AND (attribute_not_exists(worker.instanceId) OR worker.instanceId = :instance)',
    ExpressionAttributeValues: { ...values, ':instance': instanceId },
  };
}
