/**
 * The sequencer: one record of the main table that hands out positions, so that one ballot never proposes two
 * values at one position, however many processes append for the same writer. Design: docs/design/log.md, "The
 * sequencer".
 */
import { ballotKey, lengthOf, type Value, type Views } from './replica.ts';

export interface Handed {
  /** Names a request with its payload; empty for a request that was settled with other values and placed again. */
  readonly requestId: string;
  readonly count: number;
  /** It shares the slot of the request before it. */
  readonly joins?: true;
}

export interface WriterRecord {
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
  /**
   * One process alone hands out positions, from its memory. `here` is that memory; `elsewhere` is the record that it
   * saved, which is behind by less than `unsavedPositions`.
   */
  readonly exclusive?: 'here' | 'elsewhere';
}

/** The position that a truncation may not pass while a backup reads the log. */
export interface Hold {
  readonly backupId: string;
  readonly from: number;
}

export type Replaced =
  | { readonly replaced: true }
  | { readonly replaced: false; readonly writer: WriterRecord | undefined }
  /** The truncation would pass what a running backup still reads. */
  | { readonly replaced: false; readonly held: Hold };

export interface Sequencer {
  /** The writer that is elected through it hands out positions in this process alone. */
  readonly exclusive?: 'here';
  /** Strongly consistent. */
  read(): Promise<WriterRecord | undefined>;
  /** The hold of a running backup; strongly consistent. */
  readHold(): Promise<Hold | undefined>;
  /**
   * Puts the record where `before` still stands (undefined: where none stands). An answer that was lost reads as
   * replaced if the record there is the one that was put. `truncateTo` holds it to a running backup's position too.
   */
  replace(before: WriterRecord | undefined, after: WriterRecord, truncateTo?: number): Promise<Replaced>;
}

/** Under which a writer proposes. */
export const ballotOf = ({ number, writerId }: Pick<WriterRecord, 'number' | 'writerId'>) =>
  ballotKey(number, writerId);

/** An exclusive writer saves its record with so many positions, so that an election has no more than those to find. */
export const savedWithin = 1_024;

/** More than an exclusive writer hands out between two saved records. */
export const unsavedPositions = 2 * savedWithin;

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
  /** The requests in the slots from the old record's `next` to `index`. */
  readonly found?: readonly Handed[] | undefined;
  readonly exclusive?: 'here' | undefined;
}

/** The elected writer's record; undefined when the ballot there is not strictly lower. The requests go along. */
export function take(old: WriterRecord | undefined, claim: Claim): WriterRecord | undefined {
  if (!old) return begun(claim);
  if (old.number >= claim.number) return undefined;
  const { revision, truncation, next } = old;
  const writer = begun(claim);
  const recent = newest([...old.recent, ...(claim.found ?? [])], rememberedTogether);
  const end = next + (claim.found ?? []).reduce((sum, { count }) => sum + count, 0);
  return { ...writer, revision: revision + 1, truncation, recent: end === writer.next ? recent : [] };
}

/** The requests of a slot, as it was chosen: nobody's where it was filled. */
export function handedIn(value: Value): Handed[] {
  switch (value.type) {
    case 'APPEND':
      return value.requests.map(({ requestId, count }, at) => ({ requestId, count, ...(at > 0 && joins) }));
    case 'TRUNCATE':
      return [{ requestId: value.requestId, count: 1 }];
    case 'NOP':
      return [{ requestId: '', count: lengthOf(value) }];
  }
}

/** Whether an exclusive writer saves this record, before what it was handed since the last one is forgotten. */
export function isToBeSaved(saved: WriterRecord, { next, recent, closed }: WriterRecord, within: number): boolean {
  let handed = 0;
  let requests = 0;
  for (let at = recent.length - 1; handed < next - saved.next && at >= 0; at -= 1) {
    handed += recent[at]?.count ?? 0;
    requests += 1;
  }
  return closed || handed >= within || requests >= rememberedTogether / 2;
}

/** The record of a writer that appends nothing: a log that was filled continues after its end. */
export function closedAfter(end: number, claim: Omit<Claim, 'index'>): WriterRecord {
  return { ...begun({ ...claim, index: end }), closed: true };
}

function begun({ number, writerId, views, index, now, exclusive }: Claim): WriterRecord {
  const next = index + 1;
  return {
    revision: 1,
    number,
    writerId,
    first: next,
    next,
    settled: index,
    regularFrom: next,
    since: now,
    closed: false,
    truncation: 0,
    views,
    recent: [],
    ...(exclusive && { exclusive }),
  };
}

export interface Settlement {
  /** The last position of the slot. */
  readonly last: number;
  /** By the writer's own ballot, or by a fill. */
  readonly how: 'own' | 'filled';
}

/** A writer's slots that one process saw settled. */
export type Settlements = Map<number, Settlement>;

/** Raises `settled` over what is known. */
export function advance(writer: WriterRecord, known: ReadonlyMap<number, Settlement>, now: number): WriterRecord {
  let { settled, regularFrom } = writer;
  for (let slot = known.get(settled + 1); slot !== undefined; slot = known.get(settled + 1)) {
    settled = slot.last;
    if (slot.how === 'filled') regularFrom = settled + 1;
  }
  const idle = writer.settled === writer.next - 1;
  return { ...writer, settled, regularFrom, since: idle || settled > writer.settled ? now : writer.since };
}

/**
 * Forgets what the sequencer's record says by now: only once that has been written, or what others need would be lost
 * with the write.
 */
export function forgetSettled(known: Settlements, { settled }: WriterRecord): void {
  for (const position of known.keys()) if (position <= settled) known.delete(position);
}

/** A request for positions: `count` of them, or one for a truncation. */
export interface Wanted {
  readonly requestId: string;
  readonly count: number;
  readonly truncates: boolean;
}

/** Hands out the next slot to requests that share it, in their order. */
export function handOut(writer: WriterRecord, requests: readonly Wanted[]): WriterRecord {
  const handed = requests.map(({ requestId, count }, at): Handed => ({ requestId, count, ...(at > 0 && joins) }));
  const count = requests.reduce((sum, one) => sum + one.count, 0);
  const isMany = requests.length > 1 || writer.exclusive === 'here';
  return {
    ...writer,
    revision: writer.revision + 1,
    next: writer.next + count,
    truncation: requests.some(({ truncates }) => truncates) ? writer.next : writer.truncation,
    recent: newest([...writer.recent, ...handed], isMany ? rememberedTogether : remembered),
  };
}

const joins = { joins: true } as const;

export interface Place {
  /** The first position of its slot. */
  readonly slot: number;
  readonly first: number;
  readonly count: number;
  /** Other requests share the slot. */
  readonly shared: boolean;
}

/** Whole slots, so that the first of them is known. */
function newest(recent: readonly Handed[], least: number): readonly Handed[] {
  let cut = Math.max(0, recent.length - least);
  while (cut > 0 && recent[cut]?.joins) cut -= 1;
  return recent.slice(cut);
}

/** The places of the last requests, oldest first. */
function placesOf({ recent, next }: WriterRecord): Place[] {
  let first = next - recent.reduce((sum, { count }) => sum + count, 0);
  let slot = first;
  return recent.map(({ count, joins: shares }, at) => {
    if (!shares) slot = first;
    const place = { slot, first, count, shared: shares === true || recent[at + 1]?.joins === true };
    first += count;
    return place;
  });
}

/** Where a request was placed, if it is among the last ones. */
export function placeOf(writer: WriterRecord, requestId: string): Place | undefined {
  return placesOf(writer)[writer.recent.findLastIndex((handed) => handed.requestId === requestId)];
}

/** Whether another request among the last ones has the same key. */
export function reusesKey(
  recent: readonly { readonly requestId: string }[],
  { requestId, key }: { readonly requestId: string; readonly key?: string | undefined },
): boolean {
  return key !== undefined && recent.some((other) => other.requestId !== requestId && other.requestId.startsWith(key));
}

/**
 * The positions from here to the end of the slot that was handed out with them, as far as the sequencer remembers: an
 * abandoned slot is filled with one NOP.
 */
export function restOfSlot(writer: WriterRecord | undefined, position: number): number {
  if (!writer) return 1;
  const places = placesOf(writer);
  const own = places.findLast(({ first }) => first <= position);
  const last = places.findLast(({ slot }) => slot === own?.slot);
  return last ? Math.max(1, last.first + last.count - position) : 1;
}

/** Forgets a request whose positions were settled with other values, so that it can be placed again. */
export function forget(writer: WriterRecord, requestId: string): WriterRecord {
  const recent = writer.recent.map((handed) =>
    handed.requestId === requestId ? { ...handed, requestId: '' } : handed,
  );
  return { ...writer, recent };
}

/** The highest position that the ballot is known to have chosen, as its writes report to the replicas. */
export function markOf({ settled, regularFrom }: WriterRecord): readonly [from: number, to: number] | undefined {
  return settled >= regularFrom ? [regularFrom, settled] : undefined;
}
