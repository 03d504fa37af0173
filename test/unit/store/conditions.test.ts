import { describe, expect, test } from 'vitest';
import {
  absent,
  allOf,
  anyOf,
  attribute,
  beginsWith,
  between,
  compare,
  equals,
  exists,
  holds,
  isOneOf,
  isType,
  not,
  size,
} from '../../../store/condition.ts';
import { Placeholders, renderCondition, renderUpdate } from '../../../store/expression.ts';
import { append, attributeOf, ifAbsent, plus, remove, set, setAll, updated } from '../../../store/update.ts';
import { check, decide, deleteItem, put, update } from '../../../store/write.ts';

const item = {
  pk: 'GROUP#orders',
  sk: 'LEADERSHIP',
  fencingVersion: 7,
  holder: { sessionId: 's', address: 'host:1' },
  checkpoints: ['a', 'b', 'c'],
  'a.b': 1,
};

describe('holds', () => {
  test.each([
    ['an attribute that exists', exists('holder.sessionId'), true],
    ['an attribute inside one that does not exist', exists('ended.at'), false],
    ['an absent attribute', absent('ended'), true],
    ['equal values', equals('holder.sessionId', 's'), true],
    ['a missing attribute is not equal', equals('ended', 's'), false],
    ['a missing attribute is below nothing', compare('expiresAt', '<', 9), false],
    ['a missing attribute differs from every value', compare('requestId', '<>', 'r'), true],
    ['a text is not below a number', compare('pk', '<', 9), false],
    ['a text differs from a number', compare('fencingVersion', '<>', '7'), true],
    ['numbers by their order', compare('fencingVersion', '<=', 7), true],
    ['two attributes', compare('fencingVersion', '>', attribute(['a.b'])), true],
    ['the size of a list', compare(size('checkpoints'), '<', 4), true],
    ['a number has no size', compare(size('fencingVersion'), '<', 4), false],
    ['one of several', isOneOf('fencingVersion', 6, 7), true],
    ['the beginning of a text', beginsWith('pk', 'GROUP#'), true],
    ['a range with both its ends', between('fencingVersion', 7, 8), true],
    ['a type', isType('checkpoints', 'L'), true],
    ['an entry of a list', equals('checkpoints[1]', 'b'), true],
    ['all and any and not', allOf(anyOf(absent('pk'), exists('pk')), not(exists('ended'))), true],
  ])('%s', (_, condition, expected) => {
    expect(holds(condition, item)).toBe(expected);
  });

  test('an item that does not exist has no attributes', () => {
    expect(holds(absent('pk'), undefined)).toBe(true);
    expect(holds(equals('pk', 'x'), undefined)).toBe(false);
  });
});

describe('updated', () => {
  test('reads every source from the item as it was before', () => {
    const changes = [
      ...set('a', attributeOf('fencingVersion')),
      ...set('fencingVersion', plus(attributeOf('fencingVersion'), 1)),
    ];
    expect(updated(changes, item)).toEqual({ ...item, a: 7, fencingVersion: 8 });
  });

  test('keeps existing values, sets inside maps and lists, appends and removes', () => {
    const changes = [
      ...set('previous', ifAbsent('previous', ifAbsent('ended', { reason: 'expired' }))),
      ...set('pk', ifAbsent('pk', 'never')),
      ...set('holder.address', 'host:2'),
      ...set('checkpoints', append(attributeOf('checkpoints'), ['d'])),
      ...remove('fencingVersion', 'holder.sessionId', 'never', 'holder.never'),
      ...setAll({ left: undefined, 'a.b': 2 }),
    ];
    const { fencingVersion: _, ...rest } = item;
    expect(updated(changes, item)).toEqual({
      ...rest,
      holder: { address: 'host:2' },
      checkpoints: ['a', 'b', 'c', 'd'],
      previous: { reason: 'expired' },
      'a.b': 2,
    });
    expect(item.holder.address).toBe('host:1');
  });

  test('removes entries of a list by the indexes of before', () => {
    expect(updated(remove('checkpoints[0]', 'checkpoints[1]'), item)['checkpoints']).toEqual(['c']);
  });

  test('takes a map that looks like a source for a value', () => {
    const value = { kind: 'attribute', path: 'fencingVersion' };
    expect(updated(set('a', value), item)['a']).toEqual(value);
  });

  test.each([
    ['a missing attribute', set('a', attributeOf('b'))],
    ['a sum of what are no numbers', set('a', plus(attributeOf('pk'), 1))],
    ['a map that is not there', set('ended.reason', 'x')],
    ['a removal from a map that is not there', remove('ended.reason')],
    ['a list that is none', set('pk[0]', 'x')],
    ['an append to what is no list', set('a', append(attributeOf('pk'), ['x']))],
  ])('refuses %s as DynamoDB does', (_, changes) => {
    expect(() => updated(changes, item)).toThrow(expect.objectContaining({ name: 'ValidationException' }));
  });
});

describe('rendering', () => {
  test('names every attribute and value by a placeholder, each once', () => {
    const to = new Placeholders();
    const condition = allOf(
      equals('holder.sessionId', 's'),
      anyOf(absent('status'), compare('a.b', '>', 1)),
      not(equals('c', 1)),
    );
    expect(renderCondition(condition, to)).toBe(
      '#holder.#sessionId = :v0 AND (attribute_not_exists(#status) OR #a.#b > :v1) AND NOT (#c = :v1)',
    );
    const changes = [...set(['x.y', 2], 's'), ...set('n', plus(attributeOf('n'), 1)), ...remove('c')];
    expect(renderUpdate(changes, to)).toBe('SET #n_6[2] = :v0, #n = #n + :v1 REMOVE #c');
    expect(to.attributes()).toEqual({
      ExpressionAttributeNames: {
        '#holder': 'holder',
        '#sessionId': 'sessionId',
        '#status': 'status',
        '#a': 'a',
        '#b': 'b',
        '#c': 'c',
        '#n_6': 'x.y',
        '#n': 'n',
      },
      ExpressionAttributeValues: { ':v0': 's', ':v1': 1 },
    });
  });

  test('refuses a condition of no parts', () => {
    expect(() => renderCondition(allOf(), new Placeholders())).toThrow(RangeError);
  });
});

describe('decide', () => {
  const key = { pk: 'p', sk: 's' };
  const read = (state?: object) => () => state as never;

  test('writes all or nothing, and names each condition that did not hold with the item that won', () => {
    const writes = [put(key, { a: 1 }, absent('pk')), check(key, exists('pk')), deleteItem(key, equals('a', 2))];
    expect(decide(writes, read({ ...key, a: 1 }))).toEqual({
      kind: 'refused',
      refusals: [
        { at: 0, item: { ...key, a: 1 } },
        { at: 2, item: { ...key, a: 1 } },
      ],
    });
  });

  test('says each item before and after its write', () => {
    expect(decide([put(key, { a: 1, b: undefined })], read())).toEqual({
      kind: 'written',
      effects: [{ key, before: undefined, after: { ...key, a: 1 } }],
    });
    const left = (decision: ReturnType<typeof decide>) => decision.kind === 'written' && decision.effects[0]?.after;
    expect(left(decide([update(key, set('a', 1))], read()))).toEqual({ ...key, a: 1 });
    expect(left(decide([deleteItem(key)], read({ ...key })))).toBeUndefined();
    expect(left(decide([check(key, absent('a'))], read({ ...key })))).toEqual(key);
  });
});
