/** The keys of requests over items of the main table, in a partition of their own for each group. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type Clock, systemClock } from '../../store/clock.ts';
import { absent, anyOf, compare } from '../../store/condition.ts';
import { keyOf } from '../../store/idempotency.ts';
import type { ItemStore } from '../../store/item-store.ts';
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

  async find(group: string, requestId: string): Promise<KeptRequest | undefined> {
    const item = await this.#items.get(keyFor(group, requestId), { consistent: true });
    // DynamoDB may take days to remove what has expired.
    if (!item || Number(item['ttl']) <= this.#seconds()) return undefined;
    return { requestId: String(item['requestId']), operation: String(item['operation']) };
  }

  async keep(group: string, { requestId, operation }: KeptRequest): Promise<void> {
    const now = this.#seconds();
    const kept = setAll({ requestId, operation, ttl: now + keptSeconds });
    const isFree = anyOf(absent('requestId'), compare('ttl', '<=', now));
    await this.#items.write([update(keyFor(group, requestId), kept, isFree)]);
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1_000);
  }
}
