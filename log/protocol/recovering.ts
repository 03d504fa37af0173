/** The steps of the recovery's workflow. */

import { type RangeToLearn, type RecoveryPlan, split } from '../recovery-workflow.ts';
import { catchUp } from './catch-up.ts';
import type { LogParts } from './log.ts';
import { isQuorum } from './quorum.ts';
import { askOthers, finish, joinVoting, type Round, recoveryRound, type Waiting } from './recovery.ts';
import type { Replica } from './replica.ts';

export type Decided =
  | { readonly next: 'done' }
  | ({ readonly next: 'wait' } & Waiting)
  | { readonly next: 'catchUp'; readonly plan: RecoveryPlan };

export interface RoundOptions {
  readonly autoInitialize: boolean;
  /** Recovers a replica that votes too, if a quorum of the others does, and salvages what a lost quorum left. */
  readonly force: boolean;
  /** The life in which everything was caught up; empty before. */
  readonly finished: string;
  readonly budgetMs: number;
}

/** Decides round after round, until there is something to do or the time is used up. */
export async function decideRounds(parts: LogParts, replica: Replica, options: RoundOptions): Promise<Decided> {
  const { autoInitialize, force, finished, budgetMs } = options;
  const { timer, chance } = parts;
  const endsAt = timer.now() + budgetMs;
  if (finished !== '' && (await finish(replica, finished))) return { next: 'done' };
  const decide = async () => decidedBy(await recoveryRound(parts, replica, autoInitialize, force));
  const round = force ? await forceRound(parts, replica) : undefined;
  let decided = round ? decidedBy(round) : await decide();
  let pauseMs = 500 + chance.number() * 500;
  while (decided.next === 'wait' && timer.now() + pauseMs <= endsAt) {
    await timer.sleep(pauseMs);
    decided = await decide();
    pauseMs = 500 + chance.number() * 500;
  }
  return decided;
}

function decidedBy(round: Round): Decided {
  if (round.phase === 'voting') return { next: 'done' };
  if (round.phase === 'waiting') return { next: 'wait', why: round.why, reason: round.reason };
  const { incarnation, from, to, salvage } = round;
  const range = { from, to, fillTo: to, ...(salvage && { salvage }) };
  return { next: 'catchUp', plan: { incarnation, ranges: split(range) } };
}

async function forceRound(parts: LogParts, replica: Replica): Promise<Round | undefined> {
  const self = await replica.read();
  if (self.status !== 'VOTING') return undefined;
  const others = await askOthers(parts, replica);
  // Without them the replica would not come back, and the log might stand still.
  return isQuorum(parts, others, ({ status }) => status === 'VOTING') ? joinVoting(parts, replica, self) : undefined;
}

export interface Slice {
  readonly next: 'again' | 'stuck' | 'done';
  /** The remaining ranges. */
  readonly range: RangeToLearn;
  /** Slots that the replica was given. */
  readonly learned: number;
}

export interface SliceOptions {
  readonly incarnation: string;
  readonly range: RangeToLearn;
  readonly budgetMs: number;
  /** Called with the next position after each part. */
  readonly onNext?: (position: number) => void;
}

const positionsAtOnce = 256;

/**
 * Learns a range for so long; `stuck` when too few of the others answer. A replica in another life needs no more of it.
 */
export async function catchUpSlice(
  parts: LogParts,
  replica: Replica,
  { incarnation, range, budgetMs, onNext = () => {} }: SliceOptions,
): Promise<Slice> {
  const { to, fillTo, salvage } = range;
  const endsAt = parts.timer.now() + budgetMs;
  let learned = 0;
  let { from } = range;
  while (parts.timer.now() <= endsAt) {
    const meta = await replica.read();
    from = Math.max(from, meta.floor);
    if (meta.incarnation !== incarnation || from > to) {
      return { next: 'done', range: { ...range, from: to + 1 }, learned };
    }
    const last = Math.min(to, from + positionsAtOnce - 1);
    const caught = await catchUp(parts, replica, { from, to: last, fillTo, ...(salvage && { salvage }) });
    if ('stuckAt' in caught) return { next: 'stuck', range: { ...range, from: caught.stuckAt }, learned };
    learned += caught.learned;
    from = last + 1;
    onNext(from);
  }
  return { next: 'again', range: { ...range, from }, learned };
}
