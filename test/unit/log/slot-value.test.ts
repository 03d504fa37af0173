import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toAction, toItem } from '../../../log/dynamodb/replica-item.ts';
import { slotBytes, slotEntries, type Value } from '../../../log/protocol/replica.ts';

const actionOf = (value: Value) => ({
  position: 7,
  promised: 1,
  promisedBy: 'a',
  performed: 1,
  performedBy: 'a',
  value,
});
const keys = { pk: 'LOG#g#l', sk: 'P#7' };
const again = (value: Value) => toAction({ ...keys, ...toItem(actionOf(value)) }).value;

function appended(entries: readonly Uint8Array[]): Value {
  return { type: 'APPEND', requests: [{ requestId: 'request', count: entries.length }], entries };
}

test('entries come back byte by byte, whether they are packed more closely or not', () => {
  const entry = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ maxLength: 200 }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: slotEntries }), (given) => {
      const entries = given.map((bytes) => Uint8Array.from(bytes));
      expect(again(appended(entries))).toEqual(appended(entries));
    }),
    { numRuns: 100 },
  );
});

test('a slot is packed more closely only where that makes it smaller', () => {
  const text = Buffer.from(JSON.stringify({ order: 1, cents: 995, currency: 'EUR' }).repeat(4));
  const alike = Array.from({ length: slotEntries }, () => Uint8Array.from(text));
  const { z, data } = toItem(actionOf(appended(alike)));
  expect(data).toBeUndefined();
  expect((z as Uint8Array).length).toBeLessThan((text.length * slotEntries) / 4);
  const different = [Uint8Array.from(randomBytes(4_096))];
  expect(toItem(actionOf(appended(different)))).toHaveProperty('data');
});

test('the largest slot comes back, of zeros and of chance', () => {
  const size = slotBytes / slotEntries;
  for (const make of [() => new Uint8Array(size), () => Uint8Array.from(randomBytes(size))]) {
    const value = appended(Array.from({ length: slotEntries }, make));
    expect(again(value)).toEqual(value);
  }
});
