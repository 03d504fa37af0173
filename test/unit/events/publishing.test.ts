import type { DynamoDBRecord } from 'aws-lambda';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DeadLetterQueue, publishRecords, type Sent } from '../../../functions/events/publishing.ts';
import { logger } from '../../../functions/platform/logging.ts';

logger.setLogLevel('SILENT');

/** A replica that began to vote; without a status nothing can be told of it. */
function record(sequence: number, status: string | undefined = 'VOTING'): DynamoDBRecord {
  const keys = { pk: { S: 'GROUP#orders' }, sk: { S: `REPLICA#journal#${sequence}` } };
  const image = { ...keys, since: { N: '1800000000000' }, ...(status === undefined ? {} : { status: { S: status } }) };
  return {
    eventID: `id-${sequence}`,
    dynamodb: { Keys: keys, NewImage: image, SequenceNumber: String(sequence), ApproximateCreationDateTime: 1 },
  };
}

/** A bus on which each event meets the outcome that stands for its id. */
function roomWith(outcomes: Record<string, Sent> = {}, aside: DeadLetterQueue['put'] = async () => {}) {
  const published: string[] = [];
  const setAside: { id: string; reason: string }[] = [];
  return {
    published,
    setAside,
    bus: {
      publish: async (events: readonly { detail: { id: string } }[]) =>
        events.map(({ detail }) => {
          const outcome = outcomes[detail.id] ?? 'published';
          if (outcome === 'published') published.push(detail.id);
          return outcome;
        }),
    },
    deadLetters: {
      async put(change: Parameters<DeadLetterQueue['put']>[0]) {
        await aside(change);
        setAside.push({ id: change.id, reason: change.reason });
      },
    },
  };
}

test('an event that the bus refuses comes again, by the number of the stream, and the others do not wait for it', async () => {
  const room = roomWith({ 'id-2': 'again', 'id-4': 'again' });
  expect(
    await publishRecords(
      room,
      [1, 2, 3, 4].map((at) => record(at)),
    ),
  ).toEqual(['2', '4']);
  expect(room.published).toEqual(['id-1', 'id-3']);
});

test('a record that is no event is done, one unreadable or refused for good is set aside, and neither comes again', async () => {
  const room = roomWith({ 'id-3': { refused: 'the event bus refuses it: MalformedDetail' } });
  const other: DynamoDBRecord = { dynamodb: { Keys: { pk: { S: 'COLLECTOR' }, sk: { S: 'x' } }, SequenceNumber: '5' } };
  expect(await publishRecords(room, [record(1), record(2, 'ODD'), record(3), record(4), other])).toEqual([]);
  expect(room.published).toEqual(['id-1', 'id-4']);
  expect(room.setAside).toEqual([
    { id: 'id-2', reason: 'Replica Status Changed: status cannot be read' },
    { id: 'id-3', reason: 'the event bus refuses it: MalformedDetail' },
  ]);
});

test('a change that breaks what reads it, or is larger than the bus takes, is set aside like any other', async () => {
  const backup = (state: string, error: { NULL: true }) => ({
    record: { M: { backupId: { S: 'b' }, state: { S: state }, error } },
  });
  const broken: DynamoDBRecord = {
    eventID: 'id-2',
    dynamodb: {
      Keys: { pk: { S: 'GROUP#orders' }, sk: { S: 'BACKUP#b' } },
      OldImage: backup('RUNNING', { NULL: true }),
      NewImage: backup('FAILED', { NULL: true }),
      SequenceNumber: '2',
    },
  };
  const previous = { previous: { S: 'x'.repeat(300_000) } };
  const large = record(3);
  Object.assign(large.dynamodb?.NewImage as object, previous);
  const room = roomWith();
  expect(await publishRecords(room, [record(1), broken, large, record(4)])).toEqual([]);
  expect(room.published).toEqual(['id-1', 'id-4']);
  expect(room.setAside).toEqual([
    { id: 'id-2', reason: 'it cannot be read' },
    { id: 'id-3', reason: 'Replica Status Changed: previousStatus cannot be read' },
  ]);
});

test('behind one that comes again nothing is set aside, for it comes again too', async () => {
  const room = roomWith({ 'id-2': 'again', 'id-4': { refused: 'no' } });
  const records = [record(1), record(2), record(3, 'ODD'), record(4), record(5)];
  expect(await publishRecords(room, records)).toEqual(['2', '3', '4']);
  expect(room.setAside).toEqual([]);
});

test('a record that cannot be set aside comes again', async () => {
  const room = roomWith({}, () => Promise.reject(new Error('no queue')));
  expect(await publishRecords(room, [record(1), record(2, 'ODD'), record(3)])).toEqual(['2']);
});

test('no record is lost: each is published, set aside, or comes again', async () => {
  const outcome = fc.constantFrom<Sent | 'unreadable'>('published', 'again', 'unreadable', { refused: 'no' });
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { maxLength: 100 }), async (outcomes) => {
      const byId = outcomes.map((one, at) => [`id-${at}`, one === 'unreadable' ? 'published' : one] as const);
      const room = roomWith(Object.fromEntries(byId));
      const records = outcomes.map((one, at) => record(at, one === 'unreadable' ? 'ODD' : 'VOTING'));
      const again = await publishRecords(room, records);
      const idsAgain = again.map((sequence) => `id-${sequence}`);
      const seen = [...room.published, ...room.setAside.map(({ id }) => id), ...idsAgain];
      expect(seen.toSorted()).toEqual(records.map(({ eventID }) => eventID).toSorted());
    }),
  );
});
