/**
 * The items of the journal: one for each minute of the day in which something happened, so that a day later the same
 * item is begun anew. Their attributes say what they count, hence no write needs to know what stands there:
 *
 *   refused|fenced|7|POST jobs/totals/checkpoints   3
 *   waiting|b                                       1796040000123   (when it was seen)
 *   happened|1796040000123|writer-elected           {"log":"events","ballot":7}
 */
import { groupKey } from '../../leadership/keys.ts';
import { absent, allOf, anyOf, compare, equals } from '../../store/condition.ts';
import { ifAbsent, plus, set } from '../../store/update.ts';
import { put, update, type Write } from '../../store/write.ts';

export const journalPrefix = 'JOURNAL#';
export const minuteMs = 60_000;
const retentionSeconds = 25 * 3_600;

export interface Entries {
  /** By name, how often more. */
  readonly counts: ReadonlyMap<string, number>;
  readonly values: ReadonlyMap<string, string | number>;
}

/** `JOURNAL#1203` for 12:03 UTC. */
export const journalSk = (minute: number): string =>
  `${journalPrefix}${new Date(minute * minuteMs).toISOString().slice(11, 16).replace(':', '')}`;

export const journalKey = (group: string, minute: number) => ({ pk: groupKey(group), sk: journalSk(minute) });

export const minuteOf = (now: number): number => Math.floor(now / minuteMs);
const secondOf = (now: number): number => Math.floor(now / 1_000);

/** The first write of a minute, unless another process has made it. */
export function beginMinute(group: string, { counts, values }: Entries, now: number): Write {
  const minute = minuteOf(now);
  const ttl = secondOf(now) + retentionSeconds;
  const item = { minute, second: secondOf(now), ttl, ...Object.fromEntries(counts), ...Object.fromEntries(values) };
  return put(journalKey(group, minute), item, anyOf(absent('pk'), compare('minute', '<', minute)));
}

/** A further one, unless another process has written within this second. */
export function continueMinute(group: string, { counts, values }: Entries, now: number): Write {
  const changes = [
    ...[...counts].flatMap(([name, more]) => set([name], plus(ifAbsent([name], 0), more))),
    ...[...values].flatMap(([name, value]) => set([name], value)),
    ...set('second', secondOf(now)),
  ];
  const isNext = allOf(equals('minute', minuteOf(now)), compare('second', '<', secondOf(now)));
  return update(journalKey(group, minuteOf(now)), changes, isNext);
}
