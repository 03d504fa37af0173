/** The DynamoDB requests of the notes about recoveries, in the main table. No event tells of them. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../../leadership/keys.ts';
import { allOf, beginsWith, equals, exists } from '../../store/condition.ts';
import type { Item } from '../../store/item.ts';
import { ItemTable } from '../../store/item-table.ts';
import { type Change, ifAbsent, remove, set } from '../../store/update.ts';
import { update } from '../../store/write.ts';
import type { CaughtUpSoFar, Progress, RecoveringReplica, RecoveryProgress } from '../recovery-progress.ts';
import type { RangeToLearn } from '../recovery-workflow.ts';
import type { LogName } from '../registered-log.ts';
import { recoveryKey, recoveryKeyPrefix } from './keys.ts';

/** A note that nobody ends, of a recovery that was stopped. */
const keptMs = 86_400_000;

/** By the last position of a range: its first one, and the next to learn. */
type Ranges = Readonly<Record<string, { readonly from: number; readonly next: number }>>;

export const recoveryProgressTable = (
  client: DynamoDBDocumentClient,
  table: string,
  now: () => number = Date.now,
): RecoveryProgress => new RecoveryProgressTable(client, table, now);

class RecoveryProgressTable implements RecoveryProgress {
  readonly #items: ItemTable;
  readonly #now: () => number;

  constructor(client: DynamoDBDocumentClient, table: string, now: () => number) {
    this.#items = new ItemTable(client, table);
    this.#now = now;
  }

  async waits(replica: RecoveringReplica, reason: string): Promise<void> {
    await this.#note(replica, [...set('reason', reason), ...remove(['ranges'])]);
  }

  async begins(replica: RecoveringReplica, ranges: readonly RangeToLearn[]): Promise<void> {
    const named = Object.fromEntries(ranges.map(({ from, to }) => [`${to}`, { from, next: from }]));
    await this.#note(replica, [...set('ranges', named), ...set('plannedAt', this.#now()), ...remove(['reason'])]);
  }

  async learns(replica: RecoveringReplica, { from, to }: Pick<RangeToLearn, 'from' | 'to'>): Promise<void> {
    await this.#note(replica, set(['ranges', `${to}`, 'next'], from), `${to}`);
  }

  async ends(replica: RecoveringReplica): Promise<Progress | undefined> {
    const key = recoveryKey(replica);
    const before = await this.#items.get(key, { consistent: true });
    if (before?.['startedAt'] === undefined) return undefined;
    const names = ['startedAt', 'updatedAt', 'plannedAt', 'reason', 'ranges'];
    await this.#items.write([update(key, remove(...names.map((name) => [name])))]);
    return toProgress(before);
  }

  async read({ group, log }: LogName): Promise<ReadonlyMap<string, Progress>> {
    const where = allOf(equals('pk', groupKey(group)), beginsWith('sk', recoveryKeyPrefix(log)));
    const page = await this.#items.query({ where, consistent: true, limit: 20 });
    const noted = page.items.filter((item) => item['startedAt'] !== undefined);
    return new Map(noted.map((item) => [String(item['sk']).slice(recoveryKeyPrefix(log).length), toProgress(item)]));
  }

  async #note(replica: RecoveringReplica, changes: readonly Change[], range?: string): Promise<void> {
    const all = [
      ...set('startedAt', ifAbsent('startedAt', this.#now())),
      ...set('updatedAt', this.#now()),
      ...set('ttl', Math.floor((this.#now() + keptMs) / 1_000)),
      ...changes,
    ];
    // Of a range that another plan has replaced nothing is noted any more.
    const isPlanned = range === undefined ? undefined : exists(['ranges', range]);
    await this.#items.write([update(recoveryKey(replica), all, isPlanned)]);
  }
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
