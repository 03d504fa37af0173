/** Backup policies over the items of the main table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { groupsIndex, listedIn } from '../../../leadership/keys.ts';
import { compare, equals, exists } from '../../../store/condition.ts';
import type { Item } from '../../../store/item.ts';
import type { ItemStore } from '../../../store/item-store.ts';
import { ItemTable } from '../../../store/item-table.ts';
import { remove, set, setAll } from '../../../store/update.ts';
import { update } from '../../../store/write.ts';
import { policyKey, policyPartition } from '../keys.ts';
import type { Policy } from './policy.ts';
import type { PolicyStore, StoredPolicy } from './policy-store.ts';

const pageSize = 100;

/** Binds the port to the main table. */
export const policyTable = (client: DynamoDBDocumentClient, table: string): PolicyStore =>
  new PolicyTable(new ItemTable(client, table));

class PolicyTable implements PolicyStore {
  readonly #items: ItemStore;

  constructor(items: ItemStore) {
    this.#items = items;
  }

  read(group: string): Promise<StoredPolicy | undefined> {
    return this.#read(group);
  }

  async #read(group: string): Promise<StoredPolicy | undefined> {
    const item = await this.#items.get(policyKey(group), { consistent: true });
    const policy = item?.['policy'] as Policy | undefined;
    return policy && { group, policy, doneUntil: Number(item?.['doneUntil']) };
  }

  async put({ group, policy, doneUntil }: StoredPolicy): Promise<void> {
    const listed = listedIn(policyPartition, group);
    await this.#items.write([update(policyKey(group), setAll({ policy, doneUntil, ...listed }))]);
  }

  /** A removal of what is not there would leave an empty item behind. */
  async remove(group: string): Promise<void> {
    const all = remove('policy', 'doneUntil', groupsIndex.partitionKey, groupsIndex.sortKey);
    await this.#items.write([update(policyKey(group), all, exists('pk'))]);
  }

  async *list(): AsyncGenerator<StoredPolicy> {
    let after: Item | undefined;
    do {
      const page = await this.#items.query({
        where: equals(groupsIndex.partitionKey, policyPartition),
        index: { name: groupsIndex.name, sortKey: groupsIndex.sortKey },
        limit: pageSize,
        after,
      });
      const found = await mapConcurrent(page.items, 16, (item) => this.#read(String(item[groupsIndex.sortKey])));
      yield* found.flatMap((stored) => stored ?? []);
      after = page.last;
    } while (after !== undefined);
  }

  async done(group: string, slot: number): Promise<void> {
    await this.#items.write([update(policyKey(group), set('doneUntil', slot), compare('doneUntil', '<', slot))]);
  }
}
