/** The DynamoDB requests of the notes about recoveries, in the main table. No event tells of them. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../../leadership/keys.ts';
import { allOf, beginsWith, equals, exists } from '../../store/condition.ts';
import type { Item } from '../../store/item.ts';
import { ItemTable } from '../../store/item-table.ts';
import { type Change, ifAbsent, remove, set } from '../../store/update.ts';
import { update } from '../../store/write.ts';
import type { CaughtUpSoFar, Progress, RecoveringReplica, RecoveryProgress } from '../recovery-progress.ts';
import { recoveryKey, recoveryKeyPrefix } from './keys.ts';

/** A note that nobody ends, of a recovery that was stopped. */
const keptMs = 86_400_000;

/** By the last position of a range: its first one, and the next to learn. */
type Ranges = Readonly<Record<string, { readonly from: number; readonly next: number }>>;

export function recoveryProgressTable(client: DynamoDBDocumentClient, table: string, now = Date.now): RecoveryProgress {
  const items = new ItemTable(client, table);
  const note = async (replica: RecoveringReplica, changes: readonly Change[], range?: string) => {
    const all = [
      ...set('startedAt', ifAbsent('startedAt', now())),
      ...set('updatedAt', now()),
      ...set('ttl', Math.floor((now() + keptMs) / 1_000)),
      ...changes,
    ];
    // Of a range that another plan has replaced nothing is noted any more.
    await items.write([update(recoveryKey(replica), all, range === undefined ? undefined : exists(['ranges', range]))]);
  };

  return {
    waits: (replica, reason) => note(replica, [...set('reason', reason), ...remove(['ranges'])]),
    begins(replica, ranges) {
      const named = Object.fromEntries(ranges.map(({ from, to }) => [`${to}`, { from, next: from }]));
      return note(replica, [...set('ranges', named), ...set('plannedAt', now()), ...remove(['reason'])]);
    },
    learns: (replica, { from, to }) => note(replica, set(['ranges', `${to}`, 'next'], from), `${to}`),
    async ends(replica) {
      const key = recoveryKey(replica);
      const before = await items.get(key, { consistent: true });
      if (before?.['startedAt'] === undefined) return undefined;
      const names = ['startedAt', 'updatedAt', 'plannedAt', 'reason', 'ranges'];
      await items.write([update(key, remove(...names.map((name) => [name])))]);
      return toProgress(before);
    },
    async read({ group, log }) {
      const where = allOf(equals('pk', groupKey(group)), beginsWith('sk', recoveryKeyPrefix(log)));
      const page = await items.query({ where, consistent: true, limit: 20 });
      const noted = page.items.filter((item) => item['startedAt'] !== undefined);
      return new Map(noted.map((item) => [String(item['sk']).slice(recoveryKeyPrefix(log).length), toProgress(item)]));
    },
  };
}

function toProgress(item: Item): Progress {
  const { startedAt, updatedAt, plannedAt, reason, ranges } = item;
  const noted = { startedAt, updatedAt, reason } as Progress;
  if (ranges === undefined) return noted;
  return { ...noted, caughtUp: soFar(ranges as Ranges, (updatedAt as number) - (plannedAt as number)) };
}

function soFar(ranges: Ranges, elapsedMs: number): CaughtUpSoFar {
  const all = Object.entries(ranges).map(([to, { from, next }]) => ({ done: next - from, of: Number(to) - from + 1 }));
  const done = all.reduce((sum, range) => sum + range.done, 0);
  const of = all.reduce((sum, range) => sum + range.of, 0);
  return { done, of, perSecond: Math.round((1_000 * done) / Math.max(1, elapsedMs)) };
}
