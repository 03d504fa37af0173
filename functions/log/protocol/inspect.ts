import type { LogParts } from './log.ts';
import { type Answers, ask, isMajority, isQuorum } from './quorum.ts';
import { isLearned, type LearnedAction, type Range, type Replica, settledOf, type Views } from './replica.ts';

/** Waits so long for the last replicas once there is a quorum. */
const graceMs = 100;

/** The combined knowledge of the replicas that responded, for a range of positions. */
export interface Inspection {
  /** The last position that is spoken of: nothing is known here of those after it, not even that they are holes. */
  readonly to: number;
  readonly begin: number;
  /** Everything up to here is chosen. */
  readonly settled: number;
  /** The positions that are known to be chosen, with what was chosen. */
  readonly chosen: ReadonlyMap<number, LearnedAction>;
  /** Each replica's responses about the positions up to `to`, in order. */
  readonly ranges: Answers<Range>;
}

/**
 * Asks every replica for the positions `from` to `to` and puts together what is chosen: what one of them learned, and
 * what the same coordinator performed under the same ballot on a quorum. It ends where the shortest answer ends, so
 * that no position is taken for a hole that was merely not read. The answer of `needed` is waited for like the quorum
 * itself: a replica that does not vote may lie in a Region from which nothing comes within the grace.
 */
export async function inspectFrom(parts: LogParts, from: number, to: number, needed?: Replica): Promise<Inspection> {
  const { replicas, timer, settings } = parts;
  const answers = await ask(
    replicas.map((replica) => () => replica.range(from, to)),
    {
      enough: (soFar) =>
        isQuorum(parts, soFar, votes) && (needed === undefined || soFar[replicas.indexOf(needed)] !== undefined),
      graceMs,
      ms: settings.answerMs,
      timer,
    },
  );
  const last = Math.min(to, ...answers.map((range) => range?.to ?? to));
  const ranges = answers.map((range) => range && upTo(last, range));
  const answered = ranges.filter((range) => range !== undefined);
  const begin = Math.max(0, ...answered.filter(known).map(({ meta }) => meta.begin));
  const chosen = new Map<number, LearnedAction>();
  const performed = new Map<string, Set<number>>();
  for (const [place, range] of ranges.entries()) {
    for (const action of range?.actions ?? []) {
      if (!range) continue;
      if (isLearned(range.meta, action)) chosen.set(action.position, { ...action, learned: true });
      if (!votes(range) || action.performed === undefined || !action.value) continue;
      const key = `${action.position} ${action.performed} ${action.performedBy}`;
      const holders = (performed.get(key) ?? new Set()).add(place);
      performed.set(key, holders);
      if (isMajority(parts.majorities, holders) && !chosen.has(action.position)) {
        chosen.set(action.position, { ...action, value: action.value, learned: true });
      }
    }
  }
  return {
    to: last,
    begin,
    settled: Math.max(begin - 1, ...answered.filter(known).map(({ meta }) => settledOf(meta))),
    chosen,
    ranges,
  };
}

/** The same for every position from `from` to `to`, in as many goes as it takes. */
export async function inspect(parts: LogParts, from: number, to: number): Promise<Inspection> {
  let whole = await inspectFrom(parts, from, to);
  while (whole.to < to) whole = joined(whole, await inspectFrom(parts, whole.to + 1, to));
  return whole;
}

function joined(one: Inspection, next: Inspection): Inspection {
  return {
    to: next.to,
    begin: Math.max(one.begin, next.begin),
    settled: Math.max(one.settled, next.settled),
    chosen: new Map([...one.chosen, ...next.chosen]),
    ranges: next.ranges.map((range, at) => {
      const before = one.ranges[at];
      return range && before && { ...range, actions: [...before.actions, ...range.actions] };
    }),
  };
}

function upTo(to: number, range: Range): Range {
  return { ...range, to, actions: range.actions.filter(({ position }) => position <= to) };
}

function votes({ meta }: Range): boolean {
  return meta.status === 'VOTING';
}

function known({ meta }: Range): boolean {
  return meta.status === 'VOTING' || meta.status === 'RECOVERING';
}

/** The views and the ballot to beat for a fill that begins with this inspection. */
export function standing({ ranges }: Inspection): { views: Views; toBeat: number } {
  return {
    views: ranges.map((range) => (range && votes(range) ? range.meta.view : undefined)),
    toBeat: Math.max(0, ...ranges.map((range) => range?.meta.promised ?? 0)),
  };
}
