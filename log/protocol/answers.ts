import { accepted } from './fill.ts';
import type { LogParts } from './log.ts';
import { type Answers, isMajority, isQuorum } from './quorum.ts';
import type { Lock, WriteAnswer } from './replica.ts';

/** The verdict on a writer's slot, from the replicas' answers. */
export type Verdict =
  /** A quorum has it. Once one replica refused the writer, it ends all the same. */
  | { readonly kind: 'chosen'; readonly dismissed: boolean }
  /** Somebody settled the slot before. */
  | { readonly kind: 'learned' }
  /** A rival was elected, or a replica recovered: the writer has to elect again. */
  | { readonly kind: 'dismissed'; readonly promised: number | undefined }
  | { readonly kind: 'locked'; readonly lock: Lock }
  /** Too many replicas are throttled for a quorum; they refused nothing. */
  | { readonly kind: 'throttled' }
  /** No quorum in time, and nobody refused. */
  | { readonly kind: 'silent' };

/**
 * The strongest answer decides: acceptances of a quorum, then what is settled, then a refusal, which ends the writer,
 * then a lock, which does not, nor does a throttled replica.
 */
export function classify(
  parts: Pick<LogParts, 'majorities'>,
  answers: Answers<WriteAnswer>,
  putOff: ReadonlySet<number> = new Set(),
): Verdict {
  const given = answers.filter((answer) => answer !== undefined);
  const refusals = given.filter(dismisses);
  if (isQuorum(parts, answers, accepted)) return { kind: 'chosen', dismissed: refusals.length > 0 };
  if (given.some(({ verdict }) => verdict === 'LEARNED')) return { kind: 'learned' };
  if (refusals.length > 0) {
    const numbers = refusals.flatMap((answer) => (answer.verdict === 'REJECT' ? [answer.promised] : []));
    return { kind: 'dismissed', promised: numbers.length > 0 ? Math.max(...numbers) : undefined };
  }
  const locked = given.find((answer) => answer.verdict === 'LOCKED');
  if (locked) return { kind: 'locked', lock: locked.lock };
  const accepts = answers.flatMap((answer, at) => (answer && accepted(answer) ? [at] : []));
  return isMajority(parts.majorities, new Set([...accepts, ...putOff])) ? { kind: 'throttled' } : { kind: 'silent' };
}

function dismisses({ verdict }: WriteAnswer): boolean {
  return verdict === 'REJECT' || verdict === 'STALE_VIEW' || verdict === 'IGNORED';
}
