import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { expect, test } from 'vitest';
import { type Positions, shardReader } from '../../../../emulator/streams/shards.ts';

interface FakeShard {
  id: string;
  parent?: string;
  /** Sequence numbers, in order. */
  records: number[];
  closed?: boolean;
  trimmedBelow?: number;
}

/** Answers as DynamoDB Streams does, two records at most per call; an iterator is `shard:index`. */
function streamOf(shards: FakeShard[]) {
  const expired = new Set<string>();
  const shardNamed = (id: unknown) => shards.find((shard) => shard.id === id) ?? { id: '', records: [] };
  const fail = (name: string) => Promise.reject(Object.assign(new Error(name), { name }));
  const send = (command: { input: Record<string, unknown> }) => {
    const { ShardId, ShardIteratorType, SequenceNumber, ShardIterator } = command.input;
    if (command instanceof DescribeStreamCommand) {
      const Shards = shards.map(({ id, parent }) => ({ ShardId: id, ParentShardId: parent }));
      return Promise.resolve({ StreamDescription: { Shards } });
    }
    if (command instanceof GetShardIteratorCommand) {
      const { records, trimmedBelow = 0 } = shardNamed(ShardId);
      if (ShardIteratorType === 'LATEST') return Promise.resolve({ ShardIterator: `${ShardId}:${records.length}` });
      if (ShardIteratorType === 'TRIM_HORIZON') return Promise.resolve({ ShardIterator: `${ShardId}:0` });
      if (Number(SequenceNumber) < trimmedBelow) return fail('TrimmedDataAccessException');
      return Promise.resolve({ ShardIterator: `${ShardId}:${records.indexOf(Number(SequenceNumber)) + 1}` });
    }
    if (!(command instanceof GetRecordsCommand)) throw new Error('unexpected call');
    if (expired.has(String(ShardIterator))) return fail('ExpiredIteratorException');
    const [id = '', start = '0'] = String(ShardIterator).split(':');
    const { records, closed } = shardNamed(id);
    const next = Math.min(Number(start) + 2, records.length);
    const Records = records
      .slice(Number(start), next)
      .map((number) => ({ dynamodb: { SequenceNumber: String(number) } }));
    const ended = closed && next === records.length;
    return Promise.resolve({ Records, ...(ended ? {} : { NextShardIterator: `${id}:${next}` }) });
  };
  return { client: { send } as unknown as DynamoDBStreamsClient, expired };
}

async function readAll(reader: ReturnType<typeof shardReader>, rounds = 6): Promise<string[]> {
  const seen: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { shardId, records } of await reader.read(2)) {
      seen.push(...records.map(({ dynamodb }) => `${shardId}${dynamodb?.SequenceNumber}`));
    }
  }
  return seen;
}

const family: FakeShard[] = [
  { id: 'child', parent: 'parent', records: [5, 6] },
  { id: 'parent', parent: 'gone', records: [1, 2, 3], closed: true },
];

test('a child is read only after its parent is, however they are listed', async () => {
  const { client } = streamOf(family);
  const reader = shardReader(client, 'arn', {}, 'TRIM_HORIZON');
  expect(await readAll(reader)).toEqual(['parent1', 'parent2', 'parent3', 'child5', 'child6']);
  expect(reader.positions()).toEqual({ parent: { after: '3', closed: true }, child: { after: '6' } });
});

test('known positions are gone on from', async () => {
  const { client } = streamOf(family);
  const known: Positions = { parent: { after: '3', closed: true }, child: { after: '5' } };
  expect(await readAll(shardReader(client, 'arn', known, 'LATEST'))).toEqual(['child6']);
});

test('LATEST passes over existing records, and reads later shards from their beginning', async () => {
  const shards: FakeShard[] = [{ id: 'old', records: [1, 2] }];
  const { client } = streamOf(shards);
  const reader = shardReader(client, 'arn', {}, 'LATEST');
  expect(await readAll(reader, 2)).toEqual([]);
  shards[0]?.records.push(3);
  expect(await readAll(reader, 1)).toEqual(['old3']);
});

test('records that the stream no longer keeps are passed over', async () => {
  const { client } = streamOf([{ id: 's', records: [7, 8], trimmedBelow: 7 }]);
  expect(await readAll(shardReader(client, 'arn', { s: { after: '3' } }, 'LATEST'))).toEqual(['s7', 's8']);
});

test('an iterator that expired is replaced where it stood', async () => {
  const { client, expired } = streamOf([{ id: 's', records: [1, 2, 3] }]);
  const reader = shardReader(client, 'arn', {}, 'TRIM_HORIZON');
  expect(await readAll(reader, 1)).toEqual(['s1', 's2']);
  expired.add('s:2');
  expect(await readAll(reader, 1)).toEqual([]);
  expired.clear();
  expect(await readAll(reader, 1)).toEqual(['s3']);
});
