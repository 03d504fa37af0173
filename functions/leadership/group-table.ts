/** The DynamoDB requests over groups and terms: listings for operators, and what the sweep writes. */
import {
  BatchGetCommand,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { conditional } from '../platform/conditional.ts';
import { groupKey, groupsIndex, leadershipKey, termKey, termPrefix } from './keys.ts';
import type { Ending, LeadershipRecord } from './lease.ts';
import { toRecord, toTerm } from './lease-items.ts';
import type { Term } from './lease-store.ts';

interface Page<Item> {
  readonly items: Item[];
  /** The last key read, where the next page goes on. */
  readonly last?: string | undefined;
}

export interface GroupStore {
  /** Names of groups in order, after the given one. */
  listGroups(after: string | undefined, limit: number): Promise<Page<string>>;
  readRecords(groups: readonly string[]): Promise<LeadershipRecord[]>;
  /** Confirmed terms, newest first, below the given sort key. */
  listTerms(group: string, after: string | undefined, limit: number): Promise<Page<Term>>;
  /** Ends the term of a lease that is long gone, or whose expiry another hand damaged; false when the record has changed since. */
  expire(seen: LeadershipRecord, now: number): Promise<boolean>;
  /** Writes the end of the newest TERM; false when the record has changed since it was read. */
  close(seen: LeadershipRecord, ending: Ending): Promise<boolean>;
}

const expiryIsDamaged = '(attribute_not_exists(expiresAt) OR NOT attribute_type(expiresAt, :expiry))';

export function groupTable(client: DynamoDBDocumentClient, table: string): GroupStore {
  const unlessChanged = async (TransactItems: TransactWriteCommandInput['TransactItems']) => {
    const { won } = await conditional(() => client.send(new TransactWriteCommand({ TransactItems })));
    return won !== undefined;
  };

  const endTerm = (group: string, version: number, { at, reason }: Ending) => ({
    Update: {
      TableName: table,
      Key: termKey(group, version),
      UpdateExpression: 'SET endedAt = if_not_exists(endedAt, :at), endReason = if_not_exists(endReason, :reason)',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':at': at, ':reason': reason },
    },
  });

  return {
    async listGroups(after, limit) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: groupsIndex.name,
          KeyConditionExpression: after === undefined ? 'groupsPk = :all' : 'groupsPk = :all AND #group > :after',
          ...(after === undefined ? {} : { ExpressionAttributeNames: { '#group': groupsIndex.sortKey } }),
          ExpressionAttributeValues: {
            ':all': groupsIndex.partition,
            ...(after === undefined ? {} : { ':after': after }),
          },
          Limit: limit,
        }),
      );
      const items = Items.map((item) => String(item[groupsIndex.sortKey]));
      return { items, last: LastEvaluatedKey && items.at(-1) };
    },

    async readRecords(groups) {
      const batches = Array.from({ length: Math.ceil(groups.length / 100) }, (_, at) =>
        groups.slice(at * 100, at * 100 + 100),
      );
      const read = await Promise.all(batches.map((batch) => readBatch(client, table, batch)));
      return read.flat().sort((one, other) => (one.group < other.group ? -1 : 1));
    },

    async listTerms(group, after, limit) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :first AND :last',
          FilterExpression: 'attribute_exists(confirmedAt)',
          ExpressionAttributeValues: { ':pk': groupKey(group), ':first': termPrefix, ':last': `${termPrefix}~` },
          ...(after === undefined ? {} : { ExclusiveStartKey: { pk: groupKey(group), sk: after } }),
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      return {
        items: Items.flatMap((item) => toTerm(item) ?? []),
        last: LastEvaluatedKey?.['sk'] as string | undefined,
      };
    },

    expire: (seen, now) => {
      const ending: Ending = { reason: 'expired', at: seen.expiresAt ?? now };
      const sameExpiry = seen.expiresAt === undefined ? expiryIsDamaged : 'expiresAt = :expiry';
      const hasTerm = seen.newestTerm === seen.fencingVersion;
      return unlessChanged([
        {
          Update: {
            TableName: table,
            Key: leadershipKey(seen.group),
            UpdateExpression: `SET ended = :ended${hasTerm ? ', closedTerm = :version' : ''} REMOVE holder, expiresAt, renewedAt`,
            ConditionExpression: `fencingVersion = :version AND ${sameExpiry} AND attribute_exists(holder)`,
            ExpressionAttributeValues: {
              ':ended': ending,
              ':version': seen.fencingVersion,
              ':expiry': seen.expiresAt ?? 'N',
            },
          },
        },
        ...(hasTerm ? [endTerm(seen.group, seen.fencingVersion, ending)] : []),
      ]);
    },

    close: (seen, ending) =>
      unlessChanged([
        {
          Update: {
            TableName: table,
            Key: leadershipKey(seen.group),
            UpdateExpression: 'SET closedTerm = :term',
            ConditionExpression: 'newestTerm = :term',
            ExpressionAttributeValues: { ':term': seen.newestTerm },
          },
        },
        endTerm(seen.group, seen.newestTerm ?? 0, ending),
      ]),
  };
}

async function readBatch(
  client: DynamoDBDocumentClient,
  table: string,
  groups: readonly string[],
): Promise<LeadershipRecord[]> {
  const records: LeadershipRecord[] = [];
  let keys: Record<string, unknown>[] | undefined = groups.map(leadershipKey);
  while (keys && keys.length > 0) {
    const answer: BatchGetCommandOutput = await client.send(
      new BatchGetCommand({ RequestItems: { [table]: { Keys: keys } } }),
    );
    records.push(...(answer.Responses?.[table] ?? []).flatMap((item) => toRecord(item) ?? []));
    keys = answer.UnprocessedKeys?.[table]?.Keys;
  }
  return records;
}
