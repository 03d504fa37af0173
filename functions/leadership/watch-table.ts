/** Held requests over items of the main table: one for each caller of a group, which goes with its time to live. */
import { createHash } from 'node:crypto';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { watchKey } from '../../leadership/keys.ts';
import type { Watches } from '../../leadership/watch.ts';
import { absent, anyOf, compare, equals } from '../../store/condition.ts';
import { ItemTable } from '../../store/item-table.ts';
import { remove, setAll } from '../../store/update.ts';
import { update } from '../../store/write.ts';

const dayMs = 24 * 3_600_000;

/** Binds the port to the main table. */
export const watchTable = (client: DynamoDBDocumentClient, table: string): Watches => new WatchTable(client, table);

class WatchTable implements Watches {
  readonly #items: ItemTable;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#items = new ItemTable(client, table);
  }

  async hold(group: string, caller: string, now: number, until: number): Promise<boolean> {
    const isFree = anyOf(absent('heldUntil'), compare('heldUntil', '<=', now));
    const held = setAll({ heldUntil: until, ttl: Math.floor((until + dayMs) / 1000) });
    const written = await this.#items.write([update(watchKey(group, nameOf(caller)), held, isFree)]);
    return written.kind === 'written';
  }

  async end(group: string, caller: string, until: number): Promise<void> {
    const isIts = equals('heldUntil', until);
    await this.#items.write([update(watchKey(group, nameOf(caller)), remove('heldUntil'), isIts)]);
  }
}

/** An ARN may be longer than a key, and says more than a key should. */
const nameOf = (caller: string): string => createHash('sha256').update(caller).digest('hex').slice(0, 32);
