/**
 * A conditional write as a value. Several stand for one transaction: all of them or none. `decide` says in memory what
 * DynamoDB makes of them; `item-table.ts` sends them.
 */
import { assertNever } from '../api/assert-never.ts';
import { type Condition, holds } from './condition.ts';
import { type Item, type Key, stored } from './item.ts';
import { type Update, updated } from './update.ts';

export type Write =
  | { readonly kind: 'put'; readonly key: Key; readonly item: Item; readonly condition?: Condition | undefined }
  | { readonly kind: 'update'; readonly key: Key; readonly update: Update; readonly condition?: Condition | undefined }
  | { readonly kind: 'delete'; readonly key: Key; readonly condition?: Condition | undefined }
  | { readonly kind: 'check'; readonly key: Key; readonly condition: Condition };

export const put = (key: Key, item: Item, condition?: Condition): Write => ({ kind: 'put', key, item, condition });
export type UpdateWrite = Extract<Write, { kind: 'update' }>;

export const update = (key: Key, changes: Update, condition?: Condition): UpdateWrite => ({
  kind: 'update',
  key,
  update: changes,
  condition,
});
export const deleteItem = (key: Key, condition?: Condition): Write => ({ kind: 'delete', key, condition });
/** A check only: it holds for a whole transaction, and writes nothing. */
export type Check = Extract<Write, { kind: 'check' }>;

export const check = (key: Key, condition: Condition): Check => ({ kind: 'check', key, condition });

/** A condition that did not hold, by its place among the writes, and the item that won. */
export interface Refusal {
  readonly at: number;
  readonly item: Item | undefined;
}

/** An item before and after its write. */
export interface Effect {
  readonly key: Key;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

export type Decision =
  | { readonly kind: 'written'; readonly effects: readonly Effect[] }
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] };

/**
 * The outcome of the writes over these items; nothing is changed. @throws UnfitUpdateError for an update that does not
 * fit its item.
 */
export function decide(writes: readonly Write[], read: (key: Key) => Item | undefined): Decision {
  const refusals = writes.flatMap(({ key, condition }, at) => {
    const item = read(key);
    return condition && !holds(condition, item) ? [{ at, item }] : [];
  });
  if (refusals.length > 0) return { kind: 'refused', refusals };
  const effects = writes.map((write) => {
    const before = read(write.key);
    return { key: write.key, before, after: after(write, before) };
  });
  return { kind: 'written', effects };
}

function after(write: Write, before: Item | undefined): Item | undefined {
  const { key } = write;
  switch (write.kind) {
    case 'put':
      return stored({ ...write.item, pk: key.pk, sk: key.sk });
    case 'update':
      return updated(write.update, before ?? { pk: key.pk, sk: key.sk });
    case 'delete':
      return undefined;
    case 'check':
      return before;
    default:
      return assertNever(write);
  }
}
