import fc from 'fast-check';
import { beforeAll, expect, inject, test } from 'vitest';
import {
  absent,
  allOf,
  anyOf,
  attribute,
  beginsWith,
  between,
  type Condition,
  compare,
  exists,
  isOneOf,
  isType,
  not,
  size,
} from '../../../store/condition.ts';
import type { Item } from '../../../store/item.ts';
import type { ItemStore } from '../../../store/item-store.ts';
import { ItemTable } from '../../../store/item-table.ts';
import { append, attributeOf, type Change, ifAbsent, plus, remove, set } from '../../../store/update.ts';
import { put, update, type Write } from '../../../store/write.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import { MemoryItems } from '../../support/memory-items.ts';

let table: ItemStore;
beforeAll(async () => {
  const endpoint = inject('dynamodb');
  table = new ItemTable(localDocuments(endpoint), await createMainTable(endpoint));
});

const key = { pk: 'GROUP#orders', sk: 'ITEM' };
const path = fc.constantFrom('number', 'text', 'flag', 'map', 'map.inner', 'list', 'list[0]', 'list[1]', 'status');
const scalar = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom('', 'a', 'ab', 'b', 'ü', '\u{1F600}', '\uFF5E'),
  fc.boolean(),
);
const equality = fc.constantFrom('=', '<>' as const);
const comparator = fc.constantFrom('=', '<>', '<', '<=', '>', '>=' as const);
const bound = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom('a', 'ab', 'b'));

const part: fc.Arbitrary<Condition> = fc.oneof(
  path.map((at) => exists(at)),
  path.map((at) => absent(at)),
  fc.tuple(path, fc.constantFrom('S', 'N', 'BOOL', 'L', 'M' as const)).map(([at, type]) => isType(at, type)),
  fc.tuple(path, equality, scalar).map(([at, is, right]) => compare(at, is, right)),
  fc.tuple(path, comparator, bound).map(([at, is, right]) => compare(at, is, right)),
  fc
    .tuple(path, comparator, path)
    .filter(([at, , other]) => at !== other)
    .map(([at, is, other]) => compare(at, is, attribute(other))),
  fc.tuple(path, comparator, fc.nat(3)).map(([at, is, right]) => compare(size(at), is, right)),
  fc.tuple(path, fc.array(scalar, { minLength: 1, maxLength: 3 })).map(([at, values]) => isOneOf(at, ...values)),
  fc.tuple(path, fc.constantFrom('a', 'ab')).map(([at, prefix]) => beginsWith(at, prefix)),
  fc
    .tuple(path, bound, bound)
    .filter(([, from, to]) => typeof from === typeof to && from <= to)
    .map(([at, from, to]) => between(at, from, to)),
);
const condition = fc.letrec<{ any: Condition }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    part,
    fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((parts) => allOf(...parts)),
    fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((parts) => anyOf(...parts)),
    tie('any').map(not),
  ),
})).any;

const item: fc.Arbitrary<Item> = fc.record(
  {
    number: fc.integer({ min: -3, max: 3 }),
    text: fc.constantFrom('a', 'ab', 'b', 'ü', '\u{1F600}', '\uFF5E'),
    flag: fc.boolean(),
    map: fc.record({ inner: scalar }, { requiredKeys: [] }),
    list: fc.array(scalar, { maxLength: 3 }),
    status: fc.oneof(scalar, fc.constant(null)),
  },
  { requiredKeys: [] },
);

const source = fc.oneof(
  scalar,
  path.map(attributeOf),
  fc.tuple(path, scalar).map(([at, otherwise]) => ifAbsent(at, otherwise)),
  fc
    .tuple(path, path)
    .filter(([at, other]) => at !== other)
    .map(([at, other]) => ifAbsent(at, attributeOf(other))),
  fc.tuple(path, fc.integer({ min: -3, max: 3 })).map(([at, more]) => plus(attributeOf(at), more)),
  fc.tuple(path, fc.array(scalar, { maxLength: 2 })).map(([at, more]) => append(attributeOf(at), more)),
);
/** Of different attributes: DynamoDB refuses paths that overlap, whatever the item. */
const changes: fc.Arbitrary<Change[]> = fc
  .uniqueArray(fc.constantFrom('number', 'text', 'map.inner', 'list[0]', 'list[1]', 'status', 'new'), { minLength: 1 })
  .chain((paths) =>
    fc.tuple(
      ...paths.map((at) =>
        fc.oneof(
          source.map((to) => set(at, to)),
          fc.constant(remove(at)),
        ),
      ),
    ),
  )
  .map((each) => each.flat());

const outcome = async (store: ItemStore, before: Item | undefined, write: Write) => {
  if (before) await store.write([put(key, before)]);
  const came = await store.write([write], { show: 'after' }).catch((error: Error) => error.name);
  return { came, item: await store.get(key, { consistent: true }) };
};

test('DynamoDB decides every condition and makes every update as they are evaluated in memory', {
  timeout: 120_000,
}, async () => {
  const seen = { written: 0, refused: 0, unfit: 0 };
  await fc.assert(
    fc.asyncProperty(item, condition, changes, async (before, only, update_) => {
      const memory = await outcome(new MemoryItems(), before, update(key, update_, only));
      const real = await outcome(table, before, update(key, update_, only));
      expect(real).toEqual(memory);
      seen[typeof real.came === 'string' ? 'unfit' : real.came.kind] += 1;
    }),
    { numRuns: 300 },
  );
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(10);
});
