import type { LogParts } from './log.ts';
import { type Answers, ask, count, quorumOf } from './quorum.ts';
import { isLearned, type LearnedAction, type Range, type Replica, settledOf, type Views } from './replica.ts';

/** Waits so long for the last replicas once there is a quorum. */
const graceMs = 100;

/** What the replicas that answered know together about a range of positions. */
export interface Inspection {
  /** Replicas that vote, among those that answered. */
  readonly voting: number;
  readonly begin: number;
  readonly end: number;
  /** Everything up to here is chosen. */
  readonly settled: number;
  /** The positions of the range that are known to be chosen, with what was chosen. */
  readonly chosen: ReadonlyMap<number, LearnedAction>;
  /** What each replica answered, at its place. */
  readonly ranges: Answers<Range>;
}

/**
 * Asks every replica for the positions `from` to `to` and puts together what is chosen: what one of them learned, and
 * what the same coordinator performed under the same ballot on a quorum. The answer of `needed` is waited for like the
 * quorum itself: a replica that does not vote may lie in a Region from which nothing comes within the grace.
 */
export async function inspect(parts: LogParts, from: number, to: number, needed?: Replica): Promise<Inspection> {
  const { replicas, timer, settings } = parts;
  const quorum = quorumOf(replicas);
  const answers = await ask(
    replicas.map((replica) => () => replica.range(from, to)),
    {
      enough: (soFar) =>
        count(soFar, votes) >= quorum && (needed === undefined || soFar[replicas.indexOf(needed)] !== undefined),
      graceMs,
      ms: settings.answerMs,
      timer,
    },
  );
  const ranges = answers.filter((range) => range !== undefined);
  const begin = Math.max(0, ...ranges.filter(known).map(({ meta }) => meta.begin));
  const chosen = new Map<number, LearnedAction>();
  const performed = new Map<string, number>();
  for (const range of ranges) {
    for (const action of range.actions) {
      if (isLearned(range.meta, action)) chosen.set(action.position, { ...action, learned: true });
      if (!votes(range) || action.performed === undefined || !action.value) continue;
      const key = `${action.position} ${action.performed} ${action.performedBy}`;
      const holders = (performed.get(key) ?? 0) + 1;
      performed.set(key, holders);
      if (holders >= quorum && !chosen.has(action.position)) {
        chosen.set(action.position, { ...action, value: action.value, learned: true });
      }
    }
  }
  return {
    voting: count(answers, votes),
    begin,
    end: Math.max(0, ...ranges.filter(votes).map(({ meta }) => meta.end)),
    settled: Math.max(begin - 1, ...ranges.filter(known).map(({ meta }) => settledOf(meta))),
    chosen,
    ranges: answers,
  };
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
