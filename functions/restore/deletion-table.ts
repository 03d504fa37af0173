/** The port of a group's deletion over the items of the main table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { checkWrites } from '../../leadership/invariants.ts';
import { floorPrefix, groupKey, leadershipKey, recreationKey } from '../../leadership/keys.ts';
import type { LeadershipRecord } from '../../leadership/lease.ts';
import { equals } from '../../store/condition.ts';
import type { Item, Key } from '../../store/item.ts';
import { ItemTable } from '../../store/item-table.ts';
import { backupPrefix, cleanUpPrefix, removedPrefix, requestPrefix, runningKey } from '../backups/keys.ts';
import { logPrefix, sequencerPrefix } from '../log/dynamodb/keys.ts';
import * as writes from './deletion-writes.ts';

export interface DeletionStore {
  /** The running backup of the group. */
  backupOf(group: string): Promise<string | undefined>;
  /** False when the record has changed since it was seen, or a backup has begun. */
  begin(
    group: string,
    deletionId: string,
    seen: LeadershipRecord | undefined,
    version: number,
    now: number,
    maxClockSkewMs: number,
  ): Promise<boolean>;
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
export function deletionTable(client: DynamoDBDocumentClient, table: string): DeletionStore {
  const items = new ItemTable(client, table);
  const isWritten = async (all: Parameters<typeof items.write>[0]) => (await items.write(all)).kind === 'written';
  return {
    async backupOf(group) {
      const running = await items.get(runningKey(group), { consistent: true });
      return running?.['backupId'] === undefined ? undefined : String(running['backupId']);
    },
    begin(group, deletionId, seen, version, now, maxClockSkewMs) {
      const all = writes.ownForDeletion(group, deletionId, seen, version, now, maxClockSkewMs);
      checkWrites(all);
      return isWritten(all);
    },
    async page(group, after) {
      const found = await items.query({
        where: equals('pk', groupKey(group)),
        consistent: true,
        limit: pageSize,
        after: after && { pk: after.pk, sk: after.sk },
      });
      const last = found.last && keyIn(found.last);
      const left = found.items.filter((item) => !isKept(group, item) && !isEmpty(item));
      return { items: left.map(keyIn), ...(last && { last }) };
    },
    async empty(group, deletionId, keys, now) {
      const done = await mapConcurrent(keys, 16, (key) => isWritten(writes.emptyItem(group, key, deletionId, now)));
      return done.every(Boolean);
    },
    end: (group, deletionId, now) => isWritten(writes.endDeletion(group, deletionId, now)),
  };
}

const keyIn = (item: Item): Key => ({ pk: String(item['pk']), sk: String(item['sk']) });

function isKept(group: string, { sk }: Item): boolean {
  const key = String(sk);
  return [leadershipKey(group).sk, recreationKey(group).sk].includes(key) || kept.some((one) => key.startsWith(one));
}

const isEmpty = (item: Item): boolean =>
  item['ttl'] !== undefined && Object.keys(item).every((name) => ['pk', 'sk', 'ttl', 'gone'].includes(name));
