/** The journal's items in the main table. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../../leadership/keys.ts';
import { allOf, between, compare, equals } from '../../store/condition.ts';
import type { Item } from '../../store/item.ts';
import { type ItemStore, winnerAt } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import type { Write } from '../../store/write.ts';
import { beginMinute, continueMinute, type Entries, journalSk, minuteMs, minuteOf } from './journal-writes.ts';

/** The outcome of a write, with the item as it is then. */
export type JournalWrite =
  | { readonly kind: 'written'; readonly item: Item }
  | { readonly kind: 'refused'; readonly item: Item | undefined };

export interface JournalStore {
  begin(group: string, entries: Entries, now: number): Promise<JournalWrite>;
  append(group: string, entries: Entries, now: number): Promise<JournalWrite>;
  /** The minutes from `since` on, oldest first. */
  read(group: string, since: number, now: number): Promise<Item[]>;
}

export const journalTable = (client: DynamoDBDocumentClient, table: string): JournalStore =>
  new JournalTable(new ItemTable(client, table));

/** A day of the largest items is a little more than one page of a query. */
const mostPages = 4;
const pageItems = 1_440;

class JournalTable implements JournalStore {
  readonly #items: ItemStore;

  constructor(items: ItemStore) {
    this.#items = items;
  }

  async begin(group: string, entries: Entries, now: number): Promise<JournalWrite> {
    const write = beginMinute(group, entries, now);
    const written = await this.#items.write([write]);
    if (written.kind === 'refused') return { kind: 'refused', item: winnerAt(written.refusals, 0) };
    return { kind: 'written', item: write.kind === 'put' ? write.item : {} };
  }

  async append(group: string, entries: Entries, now: number): Promise<JournalWrite> {
    const write: Write = continueMinute(group, entries, now);
    const written = await this.#items.write([write], { show: 'after', compact: true });
    if (written.kind === 'refused') return { kind: 'refused', item: winnerAt(written.refusals, 0) };
    return { kind: 'written', item: written.shown ?? {} };
  }

  async read(group: string, since: number, now: number): Promise<Item[]> {
    const [from, to] = [journalSk(minuteOf(since)), journalSk(minuteOf(now))];
    const ranges =
      from <= to
        ? [[from, to]]
        : [
            [from, journalSk(-1)],
            [journalSk(0), to],
          ];
    const found: Item[] = [];
    for (const [first = '', last = ''] of ranges) {
      let after: Item | undefined;
      for (let page = 0; page < mostPages; page += 1) {
        const query = {
          where: allOf(equals('pk', groupKey(group)), between('sk', first, last)),
          // A day-old item that nobody has begun anew.
          filter: compare('minute', '>=', Math.floor(since / minuteMs)),
          limit: pageItems,
          after,
        };
        const { items, last: reached } = await this.#items.query(query);
        found.push(...items);
        after = reached;
        if (!after) break;
      }
    }
    return found;
  }
}
