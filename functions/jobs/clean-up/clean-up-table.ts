/** The clean-up over the items of the main table. Only finished jobs are in the index that it lists. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { groupsIndex } from '../../../leadership/keys.ts';
import { allOf, type Condition, compare, equals } from '../../../store/condition.ts';
import type { Item } from '../../../store/item.ts';
import type { ItemStore } from '../../../store/item-store.ts';
import { ItemTable } from '../../../store/item-table.ts';
import { remove, set } from '../../../store/update.ts';
import { update } from '../../../store/write.ts';
import type { JobName } from '../job.ts';
import type { Page } from '../job-store.ts';
import { endCleanUp } from '../job-writes.ts';
import { cleanUpPartition, jobPrefix } from '../keys.ts';
import type { CleanUpStore } from './clean-up.ts';

const placeKey = (group = '') => ({ pk: 'CLEAN-UP', sk: `PLACE#${group}` });

/** Binds the port to the main table. */
export const cleanUpTable = (client: DynamoDBDocumentClient, table: string): CleanUpStore =>
  new CleanUpTable(new ItemTable(client, table));

class CleanUpTable implements CleanUpStore {
  readonly #items: ItemStore;

  constructor(items: ItemStore) {
    this.#items = items;
  }

  listOwed(behindGroup: string | undefined, limit: number): Promise<Page<JobName>> {
    const groups = behindGroup === undefined ? [] : [compare(groupsIndex.sortKey, '>', behindGroup)];
    return this.#list(groups, undefined, limit);
  }

  listOwedOf(group: string, after: string | undefined, limit: number): Promise<Page<JobName>> {
    return this.#list([equals(groupsIndex.sortKey, group)], after, limit);
  }

  async readPlace(group?: string): Promise<string | undefined> {
    const item = await this.#items.get(placeKey(group), { consistent: true });
    return item?.['after'] as string | undefined;
  }

  async writePlace(place: string | undefined, group?: string): Promise<void> {
    await this.#items.write([update(placeKey(group), place === undefined ? remove('after') : set('after', place))]);
  }

  async endCleanUp(name: JobName, ttl: number | undefined): Promise<void> {
    await this.#items.write(endCleanUp(name, ttl));
  }

  async #list(groups: readonly Condition[], after: string | undefined, limit: number): Promise<Page<JobName>> {
    const { items, last } = await this.#items.query({
      where: allOf(equals(groupsIndex.partitionKey, cleanUpPartition), ...groups),
      index: { name: groupsIndex.name, sortKey: groupsIndex.sortKey },
      limit,
      ...(after === undefined ? {} : { after: JSON.parse(after) as Item }),
    });
    const owed = items.map((item) => ({
      group: String(item[groupsIndex.sortKey]),
      jobId: String(item['sk']).slice(jobPrefix.length),
    }));
    return { items: owed, last: last && JSON.stringify(last) };
  }
}
