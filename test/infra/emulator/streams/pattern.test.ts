import { expect, test } from 'vitest';
import { matches, refuseUnknown } from '../../../../emulator/streams/pattern.ts';

const event = {
  eventName: 'INSERT',
  empty: '',
  nothing: null,
  flag: true,
  dynamodb: { Keys: { pk: { S: 'GROUP#Orders' } }, NewImage: { count: { N: '7' } } },
  size: 7,
  tags: ['a', 'b'],
};

test.each([
  [{}, true],
  [{ eventName: ['INSERT', 'MODIFY'] }, true],
  [{ eventName: ['REMOVE'] }, false],
  [{ dynamodb: { Keys: { pk: { S: [{ prefix: 'GROUP#' }] } } } }, true],
  [{ dynamodb: { Keys: { pk: { S: [{ prefix: 'group#' }] } } } }, false],
  [{ dynamodb: { Keys: { pk: { S: [{ suffix: 'ers' }] } } } }, true],
  [{ dynamodb: { Keys: { sk: { S: ['x'] } } } }, false],
  [{ eventName: ['INSERT'], flag: [false] }, false],
  [{ eventName: [{ 'equals-ignore-case': 'insert' }] }, true],
  [{ eventName: [{ 'anything-but': ['REMOVE', 'MODIFY'] }] }, true],
  [{ eventName: [{ 'anything-but': 'INSERT' }] }, false],
  [{ eventName: [{ 'anything-but': { prefix: 'INS' } }] }, false],
  [{ missing: [{ 'anything-but': ['x'] }] }, false],
  [{ missing: [{ exists: false }] }, true],
  [{ size: [{ exists: true }] }, true],
  [{ dynamodb: { OldImage: { count: { N: [{ exists: false }] } } } }, true],
  [{ dynamodb: { NewImage: { count: { N: [{ exists: false }] } } } }, false],
  [{ size: [{ numeric: ['>', 5, '<=', 7] }] }, true],
  [{ size: [{ numeric: ['=', 8] }] }, false],
  [{ eventName: [{ numeric: ['>', 0] }] }, false],
  [{ empty: [''], nothing: [null], flag: [true] }, true],
  [{ missing: [null] }, false],
  [{ tags: ['b'] }, true],
  [{ tags: ['c'] }, false],
  [{ $or: [{ eventName: ['REMOVE'] }, { size: [7] }] }, true],
  [{ $or: [{ eventName: ['REMOVE'] }, { size: [8] }] }, false],
])('%j fits: %s', (pattern, fits) => {
  expect(matches(pattern, event)).toBe(fits);
});

test('an operator that is not known is refused rather than ignored', () => {
  expect(() => refuseUnknown({ a: { b: ['x', { wildcard: 'INS*' }] } })).toThrow('{"wildcard":"INS*"} is not known');
  expect(() => refuseUnknown({ $or: [{ a: ['x'] }, { b: [{ cidr: '10.0.0.0/8' }] }] })).toThrow(
    '{"cidr":"10.0.0.0/8"} is not',
  );
  expect(() => refuseUnknown({ a: [{ 'anything-but': { wildcard: 'x*' } }] })).toThrow(
    '{"wildcard":"x*"} is not known',
  );
  refuseUnknown({ $or: [{ a: ['x'] }], b: { c: [null, { 'anything-but': ['y'] }, { exists: false }] } });
});
