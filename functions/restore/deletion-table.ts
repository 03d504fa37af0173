/** The port of a group's deletion over the items of the main table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { checkWrites } from '../../leadership/invariants.ts';
import { floorPrefix, groupKey, leadershipKey, recreationKey } from '../../leadership/keys.ts';
import { logPrefix, sequencerPrefix } from '../../log/dynamodb/keys.ts';
import { equals } from '../../store/condition.ts';
import type { Item, Key } from '../../store/item.ts';
import { ItemTable } from '../../store/item-table.ts';
import type { Write } from '../../store/write.ts';
import { backupPrefix, cleanUpPrefix, removedPrefix, requestPrefix, runningKey } from '../backups/keys.ts';
import * as writes from './deletion-writes.ts';

export interface DeletionStore {
  /** The running backup of the group. */
  backupOf(group: string): Promise<string | undefined>;
  /** False when the record has changed since it was seen, or a backup has begun. */
  begin(group: string, beginning: writes.Beginning): Promise<boolean>;
  /** The items of one page that a deletion empties, and where the next page begins. */
  page(group: string, after: Key | undefined): Promise<{ readonly items: readonly Key[]; readonly last?: Key }>;
  /** False when the deletion does not own the group any more: nothing of it is emptied. */
  empty(group: string, deletionId: string, items: readonly Key[], now: number): Promise<boolean>;
  /** The record goes; false as for `empty`. */
  end(group: string, deletionId: string, now: number): Promise<boolean>;
}

const pageSize = 100;

/**
 * Items that a deletion leaves: the floor of versions, records of backups, and logs, which are deleted on their own.
 */
const kept = [floorPrefix, backupPrefix, cleanUpPrefix, requestPrefix, removedPrefix, logPrefix, sequencerPrefix];

/** Binds the port to the main table. */
export class DeletionTable implements DeletionStore {
  readonly #items: ItemTable;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#items = new ItemTable(client, table);
  }

  async backupOf(group: string): Promise<string | undefined> {
    const running = await this.#items.get(runningKey(group), { consistent: true });
    return running?.['backupId'] === undefined ? undefined : String(running['backupId']);
  }

  begin(group: string, beginning: writes.Beginning): Promise<boolean> {
    const all = writes.ownForDeletion(group, beginning);
    checkWrites(all);
    return this.#isWritten(all);
  }

  async page(group: string, after: Key | undefined): Promise<{ items: readonly Key[]; last?: Key }> {
    const found = await this.#items.query({
      where: equals('pk', groupKey(group)),
      consistent: true,
      limit: pageSize,
      after: after && { pk: after.pk, sk: after.sk },
    });
    const last = found.last && keyIn(found.last);
    const left = found.items.filter((item) => !isKept(group, item) && !isEmpty(item));
    return { items: left.map(keyIn), ...(last && { last }) };
  }

  async empty(group: string, deletionId: string, keys: readonly Key[], now: number): Promise<boolean> {
    const done = await mapConcurrent(keys, 16, (key) => this.#isWritten(writes.emptyItem(group, key, deletionId, now)));
    return done.every(Boolean);
  }

  end(group: string, deletionId: string, now: number): Promise<boolean> {
    return this.#isWritten(writes.endDeletion(group, deletionId, now));
  }

  async #isWritten(all: readonly [Write, ...Write[]]): Promise<boolean> {
    return (await this.#items.write(all)).kind === 'written';
  }
}

const keyIn = (item: Item): Key => ({ pk: String(item['pk']), sk: String(item['sk']) });

function isKept(group: string, { sk }: Item): boolean {
  const key = String(sk);
  return [leadershipKey(group).sk, recreationKey(group).sk].includes(key) || kept.some((one) => key.startsWith(one));
}

const isEmpty = (item: Item): boolean =>
  item['ttl'] !== undefined && Object.keys(item).every((name) => ['pk', 'sk', 'ttl', 'gone'].includes(name));
