/**
 * The port to the items of one table. `item-table.ts` binds it to DynamoDB; tests and simulations keep the items in a
 * map.
 */
import type { Condition } from './condition.ts';
import type { Item, Key } from './item.ts';
import type { Refusal, Write } from './write.ts';

export interface Query {
  /** The partition and, where it is limited, the range of the sort key. */
  readonly where: Condition;
  /** The table itself unless given. */
  readonly index?: { readonly name: string; readonly sortKey: string };
  readonly filter?: Condition;
  /** By the sort key, upwards by default. */
  readonly descending?: boolean;
  readonly consistent?: boolean;
  /** Items that are looked at, before the filter. */
  readonly limit: number;
  /** `last` of the page before. */
  readonly after?: Item | undefined;
}

export interface Page {
  readonly items: readonly Item[];
  /** Where the next page begins; undefined for the last one. */
  readonly last?: Item | undefined;
}

export interface ReadOptions {
  readonly consistent?: boolean;
}

export interface WriteOptions {
  /** Never sent again by the SDK: for a condition that compares the time, see `timely`. */
  readonly once?: boolean;
  /** Which state of the item a single update returns; a transaction returns none. */
  readonly show?: 'before' | 'after';
  /** Short placeholders instead of readable ones, for a write whose expressions come near DynamoDB's 4 KB. */
  readonly compact?: boolean;
}

/** The outcome of a conditional write; a refusal carries the items that won. */
export type Written =
  | { readonly kind: 'written'; readonly shown?: Item | undefined }
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] };

/** Each method is one request, but for what a page or a batch leaves over. */
export interface ItemStore {
  get(key: Key, options?: ReadOptions): Promise<Item | undefined>;
  /** The items there are, in no order. */
  getAll(keys: readonly Key[], options?: ReadOptions): Promise<readonly Item[]>;
  query(query: Query): Promise<Page>;
  /** All of the writes or none: several are one transaction. */
  write(writes: readonly [Write, ...Write[]], options?: WriteOptions): Promise<Written>;
}

/** The item that won against the write at this place. */
export function winnerAt(refusals: readonly Refusal[], at: number): Item | undefined {
  return refusals.find((refusal) => refusal.at === at)?.item;
}
