/** The keys of requests over items of the main table, in a partition of their own for each group. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type Clock, systemClock } from '../../store/clock.ts';
import { absent, allOf, anyOf, type Condition, compare, equals } from '../../store/condition.ts';
import { keyOf } from '../../store/idempotency.ts';
import { type ItemStore, winnerAt } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import { setAll } from '../../store/update.ts';
import { update } from '../../store/write.ts';
import { documentClient } from './aws.ts';
import type { KeptRequest, RequestKeys } from './request-keys.ts';
import { readSettings, tableName } from './settings.ts';

/** Retries end long before. */
const keptSeconds = 24 * 3_600;

const keyFor = (group: string, requestId: string) => ({ pk: `REQUESTS#${group}`, sk: keyOf(requestId) });

/** Binds the port to the main table. */
export const requestKeysTable = (client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock) =>
  new RequestKeysTable(new ItemTable(client, table), clock);

/** The same of the deployment, once per Lambda environment. */
export const requestKeysFromEnvironment = (): RequestKeys =>
  requestKeysTable(documentClient(), readSettings({ TENURE_TABLE: tableName }).TENURE_TABLE);

class RequestKeysTable implements RequestKeys {
  readonly #items: ItemStore;
  readonly #clock: Clock;

  constructor(items: ItemStore, clock: Clock) {
    this.#items = items;
    this.#clock = clock;
  }

  async claim(group: string, request: KeptRequest): Promise<KeptRequest | undefined> {
    const written = await this.#write(group, request, { isKept: false }, this.#isFree());
    if (written.kind === 'written') return undefined;
    const winner = winnerAt(written.refusals, 0);
    if (!winner) throw new Error(`The item that holds the key of ${request.operation} was not returned`);
    return { requestId: String(winner['requestId']), operation: String(winner['operation']) };
  }

  async keep(group: string, request: KeptRequest): Promise<void> {
    await this.#write(group, request, { isKept: true }, anyOf(this.#isFree(), equals('requestId', request.requestId)));
  }

  async release(group: string, { requestId }: KeptRequest): Promise<void> {
    const isClaimed = allOf(equals('requestId', requestId), equals('isKept', false));
    await this.#items.write([update(keyFor(group, requestId), setAll({ ttl: this.#seconds() }), isClaimed)]);
  }

  #write(group: string, { requestId, operation }: KeptRequest, more: { isKept: boolean }, condition: Condition) {
    const kept = setAll({ requestId, operation, ...more, ttl: this.#seconds() + keptSeconds });
    return this.#items.write([update(keyFor(group, requestId), kept, condition)]);
  }

  /** DynamoDB may take days to remove what has expired. */
  #isFree(): Condition {
    return anyOf(absent('requestId'), compare('ttl', '<=', this.#seconds()));
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1_000);
  }
}
