/** Reading a log. Nothing is shown that is not chosen. Design: docs/design/log.md, "Reading". */
import { fill } from './fill.ts';
import { type Inspection, inspectFrom, standing } from './inspect.ts';
import type { LogParts } from './log.ts';
import { ask, isQuorum, tally } from './quorum.ts';
import { isLearned, type LearnedAction, type Meta, type Status, settledOf } from './replica.ts';

export interface Positions {
  readonly begin: number;
  readonly end: number;
  readonly settled: number;
  /** Whether a quorum votes. */
  readonly met: boolean;
  readonly quorum: number;
  readonly voting: number;
  readonly replicas: readonly ReplicaPosition[];
}

export interface ReplicaPosition {
  readonly id: string;
  readonly status: Status | 'UNREACHABLE';
  readonly begin: number;
  readonly end: number;
  readonly promised: number;
  /** Positions behind the furthest replica. */
  readonly lag: number;
  /** A restore fills it. */
  readonly restoring?: true;
}

/** Where the log and each of its replicas stand, as a quorum (or as many as answer) tells. */
export async function positions(parts: LogParts): Promise<Positions> {
  const { replicas, timer, settings } = parts;
  const metas = await ask(
    replicas.map((replica) => () => replica.read()),
    { enough: (soFar) => isQuorum(parts, soFar, votes), graceMs: settings.graceMs, ms: settings.answerMs, timer },
  );
  const voting = metas.filter((meta): meta is Meta => meta !== undefined && votes(meta));
  const end = Math.max(0, ...voting.map((meta) => meta.end));
  return {
    begin: Math.max(0, ...voting.map(({ begin }) => begin)),
    end,
    settled: Math.max(-1, ...voting.map(settledOf)),
    ...tally(parts, metas, votes),
    replicas: replicas.map(({ id }, at) => {
      const { status, begin, promised, ...own } = metas[at] ?? { ...absent, status: 'UNREACHABLE' as const };
      const restoring = metas[at]?.restoreId !== undefined && { restoring: true as const };
      return { id, status, begin, end: own.end, promised, lag: Math.max(0, end - own.end), ...restoring };
    }),
  };
}

const absent = { begin: 0, end: 0, promised: 0 };

export interface ReadEntry {
  readonly position: number;
  readonly data: Uint8Array;
}

export type ReadAnswer =
  | { readonly items: readonly ReadEntry[]; readonly nextFrom?: number }
  | { readonly badRange: { readonly from: number; readonly to: number } }
  | { readonly truncated: { readonly begin: number } }
  | { readonly pastEnd: { readonly end: number } }
  | { readonly pending: number }
  | { readonly notRecovered: Positions };

export interface ReadRange {
  /** Left out: from the first readable position. */
  readonly from?: number | undefined;
  /** Left out: up to the last position that is settled. */
  readonly to?: number | undefined;
  readonly limit: number;
  readonly maxBytes: number;
}

/** Positions looked at in one go, at the most. */
const window = 64;

/** The APPEND entries from `from` to `to`, in order; `nextFrom` says where the next page begins. */
export async function read(parts: LogParts, { from, to, limit, maxBytes }: ReadRange): Promise<ReadAnswer> {
  const heads = await positions(parts);
  if (!heads.met) return { notRecovered: heads };
  const first = from ?? heads.begin;
  const last = to ?? Math.max(heads.end, first - 1);
  if (to !== undefined && to < first) return { badRange: { from: first, to } };
  if (first < heads.begin) return { truncated: { begin: heads.begin } };
  if (last > heads.end) return { pastEnd: { end: heads.end } };
  const items: ReadEntry[] = [];
  let bytes = 0;
  for (let start = first; start <= last; ) {
    const known = await chosenIn(parts, heads, start, Math.min(last, start + window - 1));
    if ('truncated' in known) return known;
    for (let position = start; position <= known.to; position += 1) {
      const value = known.chosen.get(position)?.value;
      if (!value) return to === undefined && position > first ? { items } : { pending: position };
      if (value.type === 'NOP' && value.tombstone) return { truncated: { begin: position + 1 } };
      if (value.type !== 'APPEND') continue;
      if (items.length === limit || (items.length > 0 && bytes + value.data.length > maxBytes)) {
        return { items, nextFrom: position };
      }
      items.push({ position, data: value.data });
      bytes += value.data.length;
    }
    start = known.to + 1;
  }
  return { items };
}

type Chosen =
  /** Up to `to`; nothing is known of what comes after. */
  | { readonly chosen: ReadonlyMap<number, LearnedAction>; readonly to: number }
  | { readonly truncated: { readonly begin: number } };

/** Asks the furthest replica; the others only for what it has not learned. */
async function chosenIn(parts: LogParts, heads: Positions, from: number, to: number): Promise<Chosen> {
  const chosen = new Map<number, LearnedAction>();
  const voting = heads.replicas.map(({ status, end }, at) => ({ status, end, at })).filter(votes);
  const furthest = voting.reduce((best, one) => (one.end > best.end ? one : best));
  const { replicas, timer, settings } = parts;
  const only = replicas.map((replica, at) => () => (at === furthest.at ? replica.range(from, to) : undefined));
  const [range] = (await ask(only, { enough: () => true, ms: settings.answerMs, timer })).filter((one) => one);
  for (const action of range?.actions ?? []) {
    if (range && isLearned(range.meta, action)) chosen.set(action.position, action);
  }
  const asked = range?.to ?? to;
  if (chosen.size === asked - from + 1) return { chosen, to: asked };
  const inspection = await inspectFrom(parts, from, asked);
  if (inspection.begin > from) return { truncated: { begin: inspection.begin } };
  for (const [position, action] of inspection.chosen) chosen.set(position, action);
  await settleMissing(parts, inspection, from, chosen);
  return { chosen, to: inspection.to };
}

/** Settles what must be chosen but was not seen, and what was handed out and abandoned. */
async function settleMissing(
  parts: LogParts,
  inspection: Inspection,
  from: number,
  chosen: Map<number, LearnedAction>,
): Promise<void> {
  const { to } = inspection;
  const missing = Array.from({ length: to - from + 1 }, (_, at) => from + at).filter((at) => !chosen.has(at));
  if (missing.length === 0) return;
  const seat = await parts.seat.read();
  const abandoned = seat && parts.timer.now() - seat.since > parts.settings.stuckMs ? seat.next - 1 : -1;
  const upTo = Math.max(inspection.settled, seat?.settled ?? -1, abandoned);
  for (const position of missing) {
    if (position > upTo) return;
    const outcome = await fill(parts, { ...standing(inspection), position });
    if (!('filled' in outcome)) return;
    chosen.set(position, outcome.filled);
  }
}

function votes({ status }: { status: Status | 'UNREACHABLE' }): boolean {
  return status === 'VOTING';
}
