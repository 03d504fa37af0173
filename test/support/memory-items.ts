/**
 * A table in memory: a map of items that the product's own conditions and updates are evaluated on, each request at
 * once.
 */
import { holds } from '../../store/condition.ts';
import { type Item, type Key, valueAt } from '../../store/item.ts';
import type { ItemStore, Page, Query, WriteOptions, Written } from '../../store/item-store.ts';
import { decide, type Effect, type Write } from '../../store/write.ts';

const text = ({ pk, sk }: Key) => `${pk}|${sk}`;

export class MemoryItems implements ItemStore {
  readonly #items = new Map<string, Item>();
  readonly #check: (effect: Effect) => void;

  /** `check` sees the effect of each write before it takes place, and throws for one that must not. */
  constructor(check: (effect: Effect) => void = () => {}) {
    this.#check = check;
  }

  /** The item itself: the same reference until it is written. */
  item(key: Key): Item | undefined {
    return this.#items.get(text(key));
  }

  /** Writes past every condition; undefined deletes. */
  place(key: Key, item: Item | undefined): void {
    if (item) this.#items.set(text(key), { ...item, pk: key.pk, sk: key.sk });
    else this.#items.delete(text(key));
  }

  /** Everything of a partition, in the order of its sort keys. */
  partition(pk: string): Item[] {
    return [...this.#items.values()].filter((item) => item['pk'] === pk).sort(by('sk'));
  }

  async get(key: Key): Promise<Item | undefined> {
    return this.item(key);
  }

  async getAll(keys: readonly Key[]): Promise<readonly Item[]> {
    return keys.map((key) => this.item(key)).filter((item) => item !== undefined);
  }

  async query({ where, index, filter, descending, limit, after }: Query): Promise<Page> {
    const order = by(index?.sortKey ?? 'sk');
    const found = [...this.#items.values()].filter((item) => holds(where, item)).sort(order);
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
