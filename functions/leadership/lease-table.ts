/** The DynamoDB requests of a lease. Every write is one conditional request that hands back the record that won. */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Fence } from '../../api/fence.ts';
import { type Conditional, conditional, decided, once } from '../platform/conditional.ts';
import {
  floorKey,
  floorPrefix,
  groupKey,
  groupsIndex,
  leadershipKey,
  recreationKey,
  termKey,
  termPrefix,
} from './keys.ts';
import type { Holder, LeadershipRecord } from './lease.ts';
import { endOfNewestTerm } from './lease.ts';
import { metadataText, toRecord, toTerm } from './lease-items.ts';
import type { Grant, LeaseStore, Published, Renewal, Write } from './lease-store.ts';

const termRetentionSeconds = 90 * 24 * 3600;

const ownsTerm = 'fencingVersion = :version AND holder.sessionId = :session';
const ownsLiveTerm = `${ownsTerm} AND expiresAt > :now`;
const leaseIsFree = '(attribute_not_exists(expiresAt) OR expiresAt < :freeBefore)';
const notReservedForAnother = '(attribute_not_exists(reservedFor) OR reservedFor = :contender OR reservedUntil < :now)';

const fenceValues = (fence: Fence) => ({ ':version': fence.fencingVersion, ':session': fence.sessionId });

interface Expression {
  set?: readonly string[];
  remove?: readonly string[];
  condition: string;
  values: Record<string, unknown>;
}

/** Binds the lease port to the main table. */
export function leaseTable(client: DynamoDBDocumentClient, table: string): LeaseStore {
  const update = (group: string, { set = [], remove = [], condition, values }: Expression) => ({
    TableName: table,
    Key: leadershipKey(group),
    UpdateExpression: [set.length && `SET ${set.join(', ')}`, remove.length && `REMOVE ${remove.join(', ')}`]
      .filter(Boolean)
      .join(' '),
    ConditionExpression: condition,
    ExpressionAttributeValues: values,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  });

  const updating = (group: string, expression: Expression) =>
    new UpdateCommand({ ...update(group, expression), ReturnValues: 'ALL_NEW' });

  const updated = async (command: UpdateCommand) => toRecord((await client.send(command)).Attributes);

  const write = (group: string, expression: Expression): Promise<Write> =>
    winner(conditional(() => updated(updating(group, expression))));

  /** The condition compares the time: whoever read the clock tries again, with another reading. */
  const writeOnce = (group: string, expression: Expression): Promise<Write> =>
    winner(decided(updated(once(updating(group, expression)))));

  const newest = async (group: string, prefix: string): Promise<number> => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': prefix },
        ScanIndexForward: false,
        ConsistentRead: true,
        Limit: 1,
      }),
    );
    return Number(String(Items[0]?.['sk'] ?? `${prefix}0`).slice(prefix.length));
  };

  return {
    async read(group, consistent) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: leadershipKey(group), ConsistentRead: consistent }),
      );
      return toRecord(Item);
    },

    grant: (group, grant, now, maxClockSkewMs) =>
      write(group, {
        set: [
          'fencingVersion = fencingVersion + :one, holder = :holder, leaseMs = :lease, expiresAt = :expiresAt, renewedAt = :now, requestId = :request',
          'previous = if_not_exists(previous, if_not_exists(ended, :expired))',
          'previousExpiresAt = if_not_exists(previousExpiresAt, if_not_exists(expiresAt, :now))',
        ],
        remove: ['ended', 'revokedContender', 'reservedFor', 'reservedUntil'],
        condition: [
          'attribute_exists(fencingVersion) AND attribute_not_exists(restoring) AND requestId <> :request',
          leaseIsFree,
          notReservedForAnother,
        ].join(' AND '),
        values: {
          ':one': 1,
          ':holder': granted(grant, now),
          ':lease': grant.leaseMs,
          ':expiresAt': now + grant.leaseMs,
          ':request': grant.requestId,
          ':contender': grant.contenderId,
          ':expired': { reason: 'expired' },
          ':freeBefore': now - maxClockSkewMs,
          ':now': now,
        },
      }),

    create: (group, fencingVersion, grant, now, recreation) => {
      const record = {
        fencingVersion,
        holder: granted(grant, now),
        leaseMs: grant.leaseMs,
        expiresAt: now + grant.leaseMs,
        requestId: grant.requestId,
        newestTerm: fencingVersion,
      };
      const item = {
        ...leadershipKey(group),
        [groupsIndex.partitionKey]: groupsIndex.partition,
        [groupsIndex.sortKey]: group,
        ...record,
        renewedAt: now,
      };
      const { contenderId, sessionId } = grant;
      const term = { ...termKey(group, fencingVersion), fencingVersion, contenderId, sessionId };
      const created = async () => {
        await client.send(
          new TransactWriteCommand({
            TransactItems: [
              { Put: { TableName: table, Item: item, ConditionExpression: 'attribute_not_exists(fencingVersion)' } },
              { Put: { TableName: table, Item: term, ConditionExpression: 'attribute_not_exists(pk)' } },
              ...(recreation === undefined ? [] : [recreate(table, group, fencingVersion, recreation)]),
            ],
          }),
        );
        return { group, ...record };
      };
      return winner(conditional(created));
    },

    async lastRecreation(group) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: recreationKey(group), ConsistentRead: true }),
      );
      return Number(Item?.['fencingVersion'] ?? 0);
    },

    highestVersion: async (group) =>
      Math.max(...(await Promise.all([newest(group, termPrefix), newest(group, floorPrefix)]))),

    async writeFloor(group, fencingVersion) {
      await client.send(new PutCommand({ TableName: table, Item: floorKey(group, fencingVersion) }));
    },

    confirm: (seen, fence, published, now) => {
      const confirmedAt = seen.holder?.confirmedAt ?? now;
      const holder = { ...seen.holder, ...published, confirmedAt } as Holder;
      const same = seen.newestTerm === undefined ? 'attribute_not_exists(newestTerm)' : 'newestTerm = :newest';
      const record = update(seen.group, {
        set: ['holder = :holder', 'newestTerm = :version'],
        remove: ['previous', 'previousExpiresAt'],
        condition: `${ownsLiveTerm} AND ${same}`,
        values: {
          ...fenceValues(fence),
          ':now': now,
          ':holder': stored(holder),
          ...(seen.newestTerm === undefined ? {} : { ':newest': seen.newestTerm }),
        },
      });
      const { contenderId, sessionId } = holder;
      const term = {
        fencingVersion: fence.fencingVersion,
        contenderId,
        sessionId,
        confirmedAt,
        ...publishedItem(published),
      };
      const confirmed = async () => {
        const transaction = new TransactWriteCommand({
          TransactItems: [
            { Update: record },
            { Put: { TableName: table, Item: { ...termKey(seen.group, fence.fencingVersion), ...term } } },
            ...closeTermBefore(table, seen, fence.fencingVersion, now),
          ],
        });
        await client.send(once(transaction));
        return { ...seen, holder, newestTerm: fence.fencingVersion };
      };
      return winner(decided(confirmed()));
    },

    renew: (group, fence, { leaseMs, ...published }, now) =>
      writeOnce(group, {
        set: [
          leaseMs === undefined ? 'expiresAt = leaseMs + :now' : 'expiresAt = :expiresAt, leaseMs = :lease',
          'renewedAt = :now',
          ...(published.address === undefined ? [] : ['holder.address = :address']),
          ...(published.metadata === undefined ? [] : ['holder.metadata = :metadata']),
        ],
        condition: `${ownsLiveTerm} AND ${leaseMs === undefined ? '(attribute_not_exists(renewedAt) OR renewedAt <= :now)' : 'expiresAt <= :expiresAt'}`,
        values: {
          ...fenceValues(fence),
          ':now': now,
          ...(leaseMs === undefined ? {} : { ':expiresAt': now + leaseMs, ':lease': leaseMs }),
          ...(published.address === undefined ? {} : { ':address': published.address }),
          ...(published.metadata === undefined ? {} : { ':metadata': metadataText(published.metadata) }),
        },
      }),

    restoreHolder: (group, term, published, now) => {
      const { contenderId, sessionId, confirmedAt } = term;
      const address = published.address ?? term.address;
      const metadata = published.metadata ?? term.metadata;
      return writeOnce(group, {
        set: ['holder = :holder'],
        condition:
          'fencingVersion = :version AND attribute_not_exists(ended) AND attribute_not_exists(restoring) AND expiresAt > :now',
        values: {
          ':version': term.fencingVersion,
          ':now': now,
          ':holder': stored({ contenderId, sessionId, grantedAt: confirmedAt ?? now, confirmedAt, address, metadata }),
        },
      });
    },

    async readTerm(group, fencingVersion) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: termKey(group, fencingVersion), ConsistentRead: true }),
      );
      return toTerm(Item);
    },

    resign: (group, fence, successor, requestId, now) =>
      write(group, {
        set: [
          'ended = :ended',
          ...(successor === undefined ? [] : ['reservedFor = :successor', 'reservedUntil = leaseMs + :now']),
        ],
        remove: ['holder', 'expiresAt', 'renewedAt'],
        condition: ownsTerm,
        values: {
          ...fenceValues(fence),
          ':ended': { reason: 'resigned', at: now, requestId },
          ...(successor === undefined ? {} : { ':successor': successor, ':now': now }),
        },
      }),

    revoke: (group, { fencingVersion, reason, force }, requestId, now) =>
      write(group, {
        set: ['ended = :ended', 'revokedContender = if_not_exists(holder.contenderId, :unknown)'],
        remove: ['holder', ...(force ? ['expiresAt', 'renewedAt'] : [])],
        condition: 'fencingVersion = :version AND attribute_exists(holder)',
        values: {
          ':version': fencingVersion,
          ':unknown': 'unknown',
          ':ended': { reason: 'revoked', detail: reason, at: now, requestId },
        },
      }),
  };
}

const granted = ({ contenderId, sessionId }: Grant, now: number): Holder => ({
  contenderId,
  sessionId,
  grantedAt: now,
});

const publishedItem = ({ address, metadata }: Published | Renewal) => ({ address, metadata: metadataText(metadata) });

const stored = (holder: Holder) => ({ ...holder, metadata: metadataText(holder.metadata) });

/** A version chosen before another recreation may have been granted after it, without a TERM. */
const recreate = (table: string, group: string, fencingVersion: number, seen: number) => ({
  Put: {
    TableName: table,
    Item: { ...recreationKey(group), fencingVersion },
    ConditionExpression: seen === 0 ? 'attribute_not_exists(pk)' : 'fencingVersion = :seen',
    ...(seen === 0 ? {} : { ExpressionAttributeValues: { ':seen': seen } }),
  },
});

/** The TERM before is no longer the newest: its end is written if the sweep has not, and it goes in 90 days. */
function closeTermBefore(table: string, seen: LeadershipRecord, version: number, now: number) {
  const ending = endOfNewestTerm(seen, now);
  if (seen.newestTerm === undefined || seen.newestTerm === version || !ending) return [];
  return [
    {
      Update: {
        TableName: table,
        Key: termKey(seen.group, seen.newestTerm),
        UpdateExpression:
          'SET endedAt = if_not_exists(endedAt, :at), endReason = if_not_exists(endReason, :reason), #ttl = :ttl',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ':at': ending.at,
          ':reason': ending.reason,
          ':ttl': Math.floor(now / 1000) + termRetentionSeconds,
        },
      },
    },
  ];
}

/** What a conditional write of the leadership record came to; in a transaction that record stands first. */
async function winner(attempt: Promise<Conditional<LeadershipRecord | undefined>>): Promise<Write> {
  const { won, lost } = await attempt;
  if (lost) return { lost: toRecord(lost.find(({ at }) => at === 0)?.item) };
  if (!won) throw new Error('A leadership write succeeded and left a record that cannot be read');
  return { won };
}
