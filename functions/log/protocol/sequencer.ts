/**
 * The writer's seat: one record of the main table that hands out positions, so that one ballot never proposes two
 * values at one position, however many processes append for the same writer. Design: docs/design/log.md, "The
 * sequencer".
 */
import type { Value, Views } from './replica.ts';

export interface Handed {
  /** Names a request with its payload; empty for a request that was settled with other values and placed again. */
  readonly requestId: string;
  readonly count: number;
}

export interface Seat {
  /** Rises with every change, so that a change is conditioned on exactly what it was decided on. */
  readonly revision: number;
  readonly number: number;
  /** The coordinator attempt that was elected: the owner of the ballot. */
  readonly writerId: string;
  /** The first position of this ballot: everything below was settled by its election. */
  readonly first: number;
  readonly next: number;
  /** Everything up to here is chosen, and a quorum has applied the truncations in it. */
  readonly settled: number;
  /** From here to `settled` every position was chosen under this very ballot. */
  readonly regularFrom: number;
  /** Epoch ms since when `settled` stands still below `next - 1`. */
  readonly since: number;
  readonly closed: boolean;
  /** The last position that was handed to a truncation; 0 when none was. */
  readonly truncation: number;
  /** Each replica's view as this writer read it before its first promise. */
  readonly views: Views;
  /** The last requests, oldest first; they end at `next` without gaps. */
  readonly recent: readonly Handed[];
}

/** The position that a truncation may not pass while a backup reads the log. */
export interface Hold {
  readonly backupId: string;
  readonly from: number;
}

export type Replaced =
  | { readonly replaced: true }
  | { readonly replaced: false; readonly seat: Seat | undefined }
  /** The truncation would pass what a running backup still reads. */
  | { readonly replaced: false; readonly held: Hold };

export interface SeatStore {
  /** Strongly consistent. */
  read(): Promise<Seat | undefined>;
  /** The hold of a running backup; strongly consistent. */
  held(): Promise<Hold | undefined>;
  /**
   * Puts the seat if the one there still has the revision (undefined: if none is there). An answer that was lost reads
   * as replaced if the record there is the one that was put. `truncateTo` holds it to a running backup's position too.
   */
  replace(revision: number | undefined, seat: Seat, truncateTo?: number): Promise<Replaced>;
}

const remembered = 64;
/** After a round that several requests share: as many must be found when they are repeated as come in the same time. */
const rememberedTogether = 512;

export interface Claim {
  readonly number: number;
  readonly writerId: string;
  readonly views: Views;
  /** The last settled position. */
  readonly index: number;
  readonly now: number;
}

/** The elected writer's seat; undefined when the ballot there is not strictly lower. The requests go along. */
export function take(old: Seat | undefined, { number, writerId, views, index, now }: Claim): Seat | undefined {
  if (old && old.number >= number) return undefined;
  const next = index + 1;
  return {
    revision: (old?.revision ?? 0) + 1,
    number,
    writerId,
    first: next,
    next,
    settled: index,
    regularFrom: next,
    since: now,
    closed: false,
    truncation: old?.truncation ?? 0,
    views,
    recent: old && old.next === next ? old.recent : [],
  };
}

/** A writer's positions that one process saw settled: by the writer's own ballot, or by a fill. */
export type Settlements = Map<number, 'own' | 'filled'>;

/** Raises `settled` over what is known. */
export function advance(seat: Seat, known: ReadonlyMap<number, 'own' | 'filled'>, now: number): Seat {
  let { settled, regularFrom } = seat;
  for (let how = known.get(settled + 1); how !== undefined; how = known.get(settled + 1)) {
    settled += 1;
    if (how === 'filled') regularFrom = settled + 1;
  }
  const idle = seat.settled === seat.next - 1;
  return { ...seat, settled, regularFrom, since: idle || settled > seat.settled ? now : seat.since };
}

/**
 * Forgets what the sequencer's record says by now: only once that has been written, or what others need would be lost
 * with the write.
 */
export function forgetSettled(known: Settlements, { settled }: Seat): void {
  for (const position of known.keys()) if (position <= settled) known.delete(position);
}

/** Hands out the next positions to a request, one for each of its values. */
export function handOut(seat: Seat, requestId: string, values: readonly Value[]): Seat {
  const { revision, next } = seat;
  const recent = [...seat.recent, { requestId, count: values.length }].slice(-remembered);
  const truncation = values[0]?.type === 'TRUNCATE' ? next : seat.truncation;
  return { ...seat, revision: revision + 1, next: next + values.length, truncation, recent };
}

/** Hands out the next positions to several requests at once, in their order. */
export function handOutTogether(
  seat: Seat,
  requests: readonly { requestId: string; values: readonly Value[] }[],
): Seat {
  const handed = requests.map(({ requestId, values }) => ({ requestId, count: values.length }));
  const count = handed.reduce((sum, one) => sum + one.count, 0);
  const recent = [...seat.recent, ...handed].slice(-rememberedTogether);
  return { ...seat, revision: seat.revision + 1, next: seat.next + count, recent };
}

/** Where a request was placed, if it is among the last ones. */
export function placeOf(seat: Seat, requestId: string): { first: number; count: number } | undefined {
  let first = seat.next;
  for (const handed of seat.recent.toReversed()) {
    first -= handed.count;
    if (handed.requestId === requestId) return { first, count: handed.count };
  }
  return undefined;
}

/** Forgets a request whose positions were settled with other values, so that it can be placed again. */
export function forget(seat: Seat, requestId: string): Seat {
  const recent = seat.recent.map((handed) => (handed.requestId === requestId ? { ...handed, requestId: '' } : handed));
  return { ...seat, recent };
}

/** The highest position that the ballot is known to have chosen, as its writes report to the replicas. */
export function markOf({ settled, regularFrom }: Seat): readonly [from: number, to: number] | undefined {
  return settled >= regularFrom ? [regularFrom, settled] : undefined;
}
