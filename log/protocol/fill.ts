import { above, versionOf } from '../../api/ballot.ts';
import { performed } from './acceptor.ts';
import type { LogParts } from './log.ts';
import { type Answers, ask, count, isMajority, isQuorum } from './quorum.ts';
import {
  type Action,
  type Ballot,
  type LearnedAction,
  type PositionPromiseAnswer,
  type Value,
  type Views,
  type WriteAnswer,
  withoutStaged,
} from './replica.ts';

export type Filled =
  | { readonly filled: LearnedAction }
  /** A newer version owns the log. */
  | { readonly lost: number }
  | { readonly exhausted: true }
  /** A replica was recovered meanwhile, or fewer than a quorum answered: begin again with fresh views. */
  | { readonly stopped: 'view' | 'unreachable' };

export interface FillOptions {
  readonly views: Views;
  readonly position: number;
  /** The positions to give up with a NOP, 1 unless given. Never beyond the slot that was handed out. */
  readonly count?: number;
  /** The ballot to beat. */
  readonly toBeat: number;
  /** A writer stays within its version; left out, the fill takes the version of what it must beat. */
  readonly version?: number;
}

/**
 * Settles one slot: takes over what may have been chosen for it, or puts a NOP. Below the floor it is a tombstone.
 * Every call is an attempt of its own, so that two fills of one writer never propose under the same ballot. Tries again
 * with a higher round for `fillMs` at most. Design: docs/design/log.md, "Elections and fills".
 */
export async function fill(
  parts: LogParts,
  { views, position, count: positions = 1, toBeat, version }: FillOptions,
): Promise<Filled> {
  const { timer, chance, settings } = parts;
  const by = chance.id();
  const deadline = timer.now() + settings.fillMs;
  let beat = toBeat;
  for (let tried = 0; tried === 0 || timer.now() < deadline; tried += 1) {
    if (tried > 0) await timer.sleep(settings.pauseMs * (1 + chance.number()));
    const next = above(beat, version ?? versionOf(beat));
    if ('outranked' in next) return { lost: beat };
    if ('exhausted' in next) return { exhausted: true };
    const outcome = await settle(parts, views, { position, positions }, { number: next.ballot, by });
    if (!('rejected' in outcome)) return outcome;
    beat = Math.max(next.ballot, outcome.rejected);
  }
  return { stopped: 'unreachable' };
}

async function settle(
  parts: LogParts,
  views: Views,
  { position, positions }: { position: number; positions: number },
  ballot: Ballot,
): Promise<Filled | { rejected: number }> {
  const promises = await gather<PositionPromiseAnswer>(parts, views, (replica, view) =>
    replica.promiseAt({ ...ballot, view, position }),
  );
  const known = promises.flatMap((answer) => (answer?.verdict === 'ACCEPT' && answer.action ? [answer.action] : []));
  const learned = known.find((action): action is LearnedAction => action.learned === true);
  if (learned) return spread(parts, learned);
  const refused = refusal(parts, promises);
  if (refused) return refused;
  const value: Value = highest(known)?.value ?? nop(positions);
  const writes = await gather<WriteAnswer>(parts, views, (replica, view) =>
    replica.write({ ...ballot, view, position, value, fill: true }),
  );
  const settled = writes.find((answer) => answer?.verdict === 'LEARNED');
  if (settled?.verdict === 'LEARNED') return spread(parts, settled.action);
  return refusal(parts, writes) ?? spread(parts, { ...performed(position, ballot, value), learned: true });
}

export function nop(count: number): Value {
  return count > 1 ? { type: 'NOP', count } : { type: 'NOP' };
}

/**
 * Applies a chosen truncation: the one who had it chosen may have died before. False without a quorum.
 */
export async function isApplied(parts: LogParts, chosen: LearnedAction): Promise<boolean> {
  return chosen.value.type !== 'TRUNCATE' || 'filled' in (await spread(parts, chosen));
}

/**
 * Tells every replica what was chosen. A truncation counts only once a quorum knows it, so that no reader goes back.
 */
export async function spread(parts: LogParts, action: LearnedAction): Promise<Filled> {
  const { replicas, timer, settings } = parts;
  const learned = withoutStaged(action);
  const answers = await ask(
    replicas.map((replica) => () => replica.learn([learned])),
    { enough: (soFar) => isQuorum(parts, soFar, accepted), ms: settings.answerMs, timer },
  );
  const enough = action.value.type !== 'TRUNCATE' || isQuorum(parts, answers, accepted);
  return enough ? { filled: learned } : { stopped: 'unreachable' };
}

type Asked<Answer> = (replica: LogParts['replicas'][number], view: string) => Promise<Answer>;

/** Asks the replicas whose view is known; enough is a quorum of acceptances, or a refusal that the attempt ends on. */
export function gather<Answer extends { verdict: string }>(parts: LogParts, views: Views, question: Asked<Answer>) {
  const { replicas, timer, settings } = parts;
  return ask(
    replicas.map((replica, at) => () => {
      const view = views[at];
      return view === undefined ? undefined : question(replica, view);
    }),
    {
      enough: (soFar, open) => {
        const accepts = soFar.flatMap((answer, at) => (answer && accepted(answer) ? [at] : []));
        return (
          isMajority(parts.majorities, new Set(accepts)) ||
          !isMajority(parts.majorities, new Set([...accepts, ...open]))
        );
      },
      ms: settings.answerMs,
      timer,
    },
  );
}

export function accepted({ verdict }: { verdict: string }): boolean {
  return verdict === 'ACCEPT';
}

/** Why an attempt did not get its quorum; undefined when it did. */
function refusal<Answer extends PositionPromiseAnswer | WriteAnswer>(
  parts: LogParts,
  answers: Answers<Answer>,
): { rejected: number } | { stopped: 'view' | 'unreachable' } | undefined {
  if (count(answers, ({ verdict }) => verdict === 'STALE_VIEW' || verdict === 'IGNORED') > 0)
    return { stopped: 'view' };
  if (isQuorum(parts, answers, accepted)) return undefined;
  const rejected = answers.flatMap((answer) => (answer?.verdict === 'REJECT' ? [answer.promised] : []));
  return rejected.length > 0 ? { rejected: Math.max(...rejected) } : { stopped: 'unreachable' };
}

function highest(actions: readonly Action[]): Action | undefined {
  return actions
    .filter(({ performed }) => performed !== undefined)
    .reduce<Action | undefined>(
      (top, action) => ((top?.performed ?? -1) < (action.performed ?? -1) ? action : top),
      undefined,
    );
}
