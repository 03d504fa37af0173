import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type Shard,
  type ShardIteratorType,
  type _Record as StreamRecord,
} from '@aws-sdk/client-dynamodb-streams';

/** Reads the shards of one stream in the order of their lineage and remembers how far it came. */
export interface ShardReader {
  /** The next records of every shard whose parent is finished; empty when there are none at the moment. */
  read(limit: number): Promise<{ shardId: string; records: StreamRecord[] }[]>;
  positions(): Positions;
}

/** Per shard the last sequence number read; `closed` once it has no more. */
export type Positions = Record<string, { after?: string; closed?: boolean }>;

const describeEveryMs = 2_000;

export function shardReader(
  client: DynamoDBStreamsClient,
  StreamArn: string,
  known: Positions,
  startingPosition: 'LATEST' | 'TRIM_HORIZON',
): ShardReader {
  const positions: Positions = structuredClone(known);
  const iterators = new Map<string, string>();
  let shards: Shard[] = [];
  let describedAt = 0;
  let first = Object.keys(known).length === 0;

  async function describe() {
    if (Date.now() - describedAt < describeEveryMs) return;
    const found: Shard[] = [];
    let ExclusiveStartShardId: string | undefined;
    do {
      const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn, ExclusiveStartShardId }));
      found.push(...(StreamDescription?.Shards ?? []));
      ExclusiveStartShardId = StreamDescription?.LastEvaluatedShardId;
    } while (ExclusiveStartShardId);
    shards = found;
    describedAt = Date.now();
    // Shards that appear later belong to what is written from now on: those are read from their beginning.
    if (first && startingPosition === 'LATEST') {
      for (const { ShardId = '' } of shards) iterators.set(ShardId, await iterator(ShardId, 'LATEST'));
    }
    first = false;
  }

  async function iterator(ShardId: string, ShardIteratorType: ShardIteratorType, SequenceNumber?: string) {
    const request = new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType, SequenceNumber });
    return (await client.send(request)).ShardIterator ?? '';
  }

  async function startOf(shardId: string): Promise<string> {
    const after = positions[shardId]?.after;
    if (!after) return iterator(shardId, 'TRIM_HORIZON');
    return iterator(shardId, 'AFTER_SEQUENCE_NUMBER', after).catch((cause: Error) => {
      if (cause.name !== 'TrimmedDataAccessException') throw cause;
      return iterator(shardId, 'TRIM_HORIZON');
    });
  }

  async function readShard(shardId: string, Limit: number): Promise<StreamRecord[]> {
    const ShardIterator = iterators.get(shardId) ?? (await startOf(shardId));
    try {
      const { Records = [], NextShardIterator } = await client.send(new GetRecordsCommand({ ShardIterator, Limit }));
      const after = Records.at(-1)?.dynamodb?.SequenceNumber;
      if (after) positions[shardId] = { after };
      if (NextShardIterator) iterators.set(shardId, NextShardIterator);
      else positions[shardId] = { ...positions[shardId], closed: true };
      return Records;
    } catch (cause) {
      iterators.delete(shardId);
      if ((cause as Error).name === 'ExpiredIteratorException') return [];
      throw cause;
    }
  }

  return {
    async read(limit) {
      await describe();
      const finished = (id: string | undefined) =>
        !id || positions[id]?.closed || !shards.some(({ ShardId }) => ShardId === id);
      const open = shards.filter(
        ({ ShardId, ParentShardId }) => !positions[ShardId ?? '']?.closed && finished(ParentShardId),
      );
      const answers = [];
      for (const { ShardId = '' } of open) {
        const records = await readShard(ShardId, limit);
        if (records.length > 0) answers.push({ shardId: ShardId, records });
      }
      return answers;
    },
    positions: () => structuredClone(positions),
  };
}
