import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { details } from '../../../api/events.ts';
import { matches } from '../../../emulator/streams/pattern.ts';
import { changeOf } from '../../../functions/events/change.ts';
import { eventOf } from '../../../functions/events/event.ts';
import { UnreadableChangeError } from '../../../functions/events/raw-event.ts';
import { eventFilters } from '../../../infra/event-filter.ts';

type Item = Record<string, unknown>;

function record(sk: string, before: Item | undefined, after: Item | undefined, sequence = '1'): DynamoDBRecord {
  const keys = { pk: 'GROUP#orders', sk };
  const image = (item: Item | undefined) =>
    item && marshall({ ...keys, ...item }, { removeUndefinedValues: true, allowImpreciseNumbers: true });
  const dynamodb = { Keys: marshall(keys), OldImage: image(before), NewImage: image(after), SequenceNumber: sequence };
  return { eventID: 'e', dynamodb: { ...dynamodb, ApproximateCreationDateTime: 1 } } as DynamoDBRecord;
}

const passes = (one: DynamoDBRecord) => eventFilters.some((filter) => matches(filter, one));
const eventIn = (one: DynamoDBRecord) => eventOf(changeOf(one));

const epoch = fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 });
const holder = (confirmedAt: fc.Arbitrary<number | undefined>) =>
  fc.record({
    contenderId: fc.constantFrom('a', 'b'),
    sessionId: fc.constantFrom('s1', 's2'),
    grantedAt: epoch,
    confirmedAt,
    address: fc.constantFrom('a:1', 'b:1'),
    metadata: fc.constantFrom('{"zone":"a"}', undefined),
  });
const leadership = (held: fc.Arbitrary<object | undefined>) =>
  fc.record({
    fencingVersion: fc.integer({ min: 1, max: 5 }),
    holder: held,
    leaseMs: fc.constantFrom(5_000, 15_000),
    expiresAt: fc.option(epoch, { nil: undefined }),
    renewedAt: epoch,
    ended: fc.option(fc.record({ reason: fc.constantFrom('resigned', 'revoked', 'expired'), at: epoch }), {
      nil: undefined,
    }),
  });

test('whatever a renewal changes, a confirmed term that stays one passes no filter and is no event', () => {
  const confirmed = leadership(holder(epoch));
  fc.assert(
    fc.property(confirmed, confirmed, (before, after) => {
      const renewed = record('LEADERSHIP', before, after);
      expect(passes(renewed)).toBe(false);
    }),
  );
});

test('whatever stands in two images of leadership, an event came through the filter and is what the schema says', () => {
  const held = fc.option(holder(fc.option(epoch, { nil: undefined })), { nil: undefined });
  const any = fc.option(leadership(held), { nil: undefined });
  let events = 0;
  fc.assert(
    fc.property(any, any, (before, after) => {
      const one = record('LEADERSHIP', before, after);
      const event = eventIn(one);
      if (!event) return;
      events += 1;
      expect(passes(one)).toBe(true);
      expect(details[event.type].parse(event.detail)).toEqual(event.detail);
    }),
    { numRuns: 500 },
  );
  expect(events).toBeGreaterThan(20);
});

test('whatever is written by hand, a change is one event, none, or unreadable by name and not by value', () => {
  const sk = fc.constantFrom('LEADERSHIP', 'JOB#j', 'BACKUP#b', 'REPLICA#l#1', 'LOG#l', 'TERM#1', 'BACKUP-CLEAN-UP#b');
  const value = fc.jsonValue({ maxDepth: 3 }).map((json) => JSON.parse(JSON.stringify(json)) as unknown);
  const names = ['state', 'record', 'holder', 'fencingVersion', 'status', 'fence', 'retain', 'nextCheckpointId'];
  const item = fc.option(fc.dictionary(fc.constantFrom(...names), value), { nil: undefined });
  fc.assert(
    fc.property(sk, item, item, (key, before, after) => {
      try {
        const event = eventIn(record(key, before, after && { ...after, secret: 'hidden' }));
        expect(JSON.stringify(event ?? {})).not.toContain('hidden');
      } catch (error) {
        expect(error).toBeInstanceOf(UnreadableChangeError);
        expect((error as Error).message).not.toContain('hidden');
      }
    }),
    { numRuns: 500 },
  );
});

test('sequences are in the order of the numbers of the stream, however long those are', () => {
  const number = fc.bigInt({ min: 1n, max: 10n ** 40n - 1n });
  fc.assert(
    fc.property(number, number, (one, other) => {
      const [a, b] = [one, other].map((n) => changeOf(record('LEADERSHIP', {}, {}, String(n))).sequence);
      expect((a ?? '') < (b ?? '')).toBe(one < other);
    }),
  );
});
