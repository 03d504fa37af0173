/**
 * A table in memory: a map of items that the product's own conditions and updates are evaluated on, each request at
 * once.
 */
import { holds } from '../../store/condition.ts';
import { type Item, type Key, valueAt } from '../../store/item.ts';
import type { ItemStore, Page, Query, WriteOptions, Written } from '../../store/item-store.ts';
import { decide, type Effect, type Write } from '../../store/write.ts';

export class MemoryItems implements ItemStore {
  /** By partition, then by sort key. */
  readonly #partitions = new Map<string, Map<string, Item>>();
  readonly #check: (effect: Effect) => void;

  /** `check` sees the effect of each write before it takes place, and throws for one that must not. */
  constructor(check: (effect: Effect) => void = () => {}) {
    this.#check = check;
  }

  /** The item itself: the same reference until it is written. */
  item(key: Key): Item | undefined {
    return this.#partitions.get(key.pk)?.get(key.sk);
  }

  /** Writes past every condition; undefined deletes. */
  place({ pk, sk }: Key, item: Item | undefined): void {
    const partition = this.#partitions.get(pk) ?? new Map<string, Item>();
    if (item) partition.set(sk, item['pk'] === pk && item['sk'] === sk ? item : { ...item, pk, sk });
    else partition.delete(sk);
    this.#partitions.set(pk, partition);
  }

  /** Everything of a partition, in the order of its sort keys. */
  partition(pk: string): Item[] {
    return [...(this.#partitions.get(pk)?.values() ?? [])].sort(by('sk'));
  }

  async get(key: Key): Promise<Item | undefined> {
    return this.item(key);
  }

  async getAll(keys: readonly Key[]): Promise<readonly Item[]> {
    return keys.map((key) => this.item(key)).filter((item) => item !== undefined);
  }

  async query({ where, index, filter, descending, limit, after }: Query): Promise<Page> {
    const order = by(index?.sortKey ?? 'sk');
    const all = [...this.#partitions.values()].flatMap((items) => [...items.values()]);
    const found = all.filter((item) => holds(where, item)).sort(order);
    if (descending) found.reverse();
    const from = after ? found.findIndex((item) => (descending ? -1 : 1) * order(item, after) > 0) : 0;
    const rest = from === -1 ? [] : found.slice(from);
    const page = rest.slice(0, limit);
    return {
      items: filter ? page.filter((item) => holds(filter, item)) : page,
      last: page.length === limit ? page.at(-1) : undefined,
    };
  }

  async write(writes: readonly [Write, ...Write[]], { show }: WriteOptions = {}): Promise<Written> {
    const decision = decide(writes, (key) => this.item(key));
    if (decision.kind === 'refused') return decision;
    for (const effect of decision.effects) this.#check(effect);
    for (const { key, after } of decision.effects) this.place(key, after);
    const [first] = decision.effects;
    return {
      kind: 'written',
      ...(show && writes.length === 1 && { shown: show === 'after' ? first?.after : first?.before }),
    };
  }
}

const by = (attribute: string) => (one: Item, other: Item) => {
  const [left, right] = [String(valueAt(one, attribute)), String(valueAt(other, attribute))];
  return left < right ? -1 : left > right ? 1 : 0;
};
