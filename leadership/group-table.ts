/** The items over groups and terms: listings for operators, and what the sweep writes. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { allOf, between, compare, equals, exists } from '../store/condition.ts';
import type { ItemStore } from '../store/item-store.ts';
import { ItemTable } from '../store/item-table.ts';
import type { Write } from '../store/write.ts';
import { checkWrites } from './invariants.ts';
import { groupKey, groupsIndex, leadershipKey, termPrefix } from './keys.ts';
import type { Ending, LeadershipRecord } from './lease.ts';
import { toRecord, toTerm } from './lease-items.ts';
import type { Term } from './lease-store.ts';
import { closeTerm, expireTerm } from './lease-writes.ts';

interface Page<Item> {
  readonly items: Item[];
  /** Where the next page begins. */
  readonly last?: string | undefined;
}

export interface GroupStore {
  /** Names of groups in order, after the given one. */
  listGroups(after: string | undefined, limit: number): Promise<Page<string>>;
  readRecords(groups: readonly string[]): Promise<LeadershipRecord[]>;
  /** Confirmed terms, newest first, below the given sort key. */
  listTerms(group: string, after: string | undefined, limit: number): Promise<Page<Term>>;
  /**
   * Ends the term of a lease that is long gone, or whose expiry was damaged; false when the record has changed since.
   */
  expire(seen: LeadershipRecord, now: number): Promise<boolean>;
  /** Writes the end of the newest TERM; false when the record has changed since it was read. */
  close(seen: LeadershipRecord, ending: Ending): Promise<boolean>;
}

/** Binds the port to the main table. */
export const groupTable = (client: DynamoDBDocumentClient, table: string): GroupStore =>
  new GroupTable(new ItemTable(client, table));

export class GroupTable implements GroupStore {
  readonly #items: ItemStore;

  constructor(items: ItemStore) {
    this.#items = items;
  }

  async listGroups(after: string | undefined, limit: number): Promise<Page<string>> {
    const { name, partitionKey, partition, sortKey } = groupsIndex;
    const all = equals(partitionKey, partition);
    const page = await this.#items.query({
      index: { name, sortKey },
      where: after === undefined ? all : allOf(all, compare(sortKey, '>', after)),
      limit,
    });
    const items = page.items.map((item) => String(item[sortKey]));
    return { items, last: page.last && items.at(-1) };
  }

  async readRecords(groups: readonly string[]): Promise<LeadershipRecord[]> {
    const items = await this.#items.getAll(groups.map(leadershipKey));
    const records = items.flatMap((item) => toRecord(item) ?? []);
    return records.sort((one, other) => (one.group < other.group ? -1 : 1));
  }

  async listTerms(group: string, after: string | undefined, limit: number): Promise<Page<Term>> {
    const pk = groupKey(group);
    const page = await this.#items.query({
      where: allOf(equals('pk', pk), between('sk', termPrefix, `${termPrefix}~`)),
      filter: exists('confirmedAt'),
      descending: true,
      limit,
      after: after === undefined ? undefined : { pk, sk: after },
    });
    return {
      items: page.items.flatMap((item) => toTerm(item) ?? []),
      last: page.last?.['sk'] as string | undefined,
    };
  }

  expire(seen: LeadershipRecord, now: number): Promise<boolean> {
    return this.#unlessChanged(expireTerm(seen, now));
  }

  close(seen: LeadershipRecord, ending: Ending): Promise<boolean> {
    return this.#unlessChanged(closeTerm(seen, ending));
  }

  async #unlessChanged(writes: readonly [Write, ...Write[]]): Promise<boolean> {
    checkWrites(writes);
    return (await this.#items.write(writes)).kind === 'written';
  }
}
