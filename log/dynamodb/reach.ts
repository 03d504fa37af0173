import { setTimeout as pause } from 'node:timers/promises';
import { isUnavailable, wasPutOff } from '../../store/store-errors.ts';
import { ThrottledError, UnreachableError } from '../protocol/quorum.ts';

/** A request that a table puts off is sent again for so long: what a round of a coordinator has, with a margin. */
const patienceMs = 2_500;
const longestPauseMs = 400;

/** Tries of a request that gets no answer: each of them is short, and takes another connection. */
const unansweredTries = 3;

const gone = new Set(['ResourceNotFoundException']);
const goneOrDenied = new Set([...gone, 'AccessDeniedException']);

export interface Reaching {
  /** The store, as an error names it. */
  readonly name: string;
  /** A policy of its own may refuse it: then it is as good as gone, and the others continue. */
  readonly mayBeDenied?: boolean;
  /** The SDK does not send the request again by itself, so that every try is seen here. */
  readonly once?: boolean;
  readonly random?: () => number;
}

/**
 * Sends a request until the store takes it. Throws `ThrottledError` where it only ever put it off, `UnreachableError`
 * where a try may have had an effect, or the table is gone or denied; every other error is a bug and stays one.
 */
export async function reach<Answer>(
  { name, mayBeDenied = false, once = false, random = Math.random }: Reaching,
  request: () => Promise<Answer>,
): Promise<Answer> {
  const until = Date.now() + patienceMs;
  let unanswered = 0;
  let failure: Error | undefined;
  for (let tried = 0; !failure; tried += 1) {
    try {
      return await request();
    } catch (cause) {
      const isPutOff = wasPutOff(cause);
      const isGone = cause instanceof Error && (mayBeDenied ? goneOrDenied : gone).has(cause.name);
      if (!isGone && !isPutOff && !isUnavailable(cause)) throw cause;
      if (!isPutOff) unanswered += 1;
      const wait = random() * Math.min(longestPauseMs, 25 * 2 ** tried);
      const isLast = isPutOff ? Date.now() + wait > until : isGone || !once || unanswered === unansweredTries;
      if (!isLast) await pause(wait);
      else if (unanswered === 0) failure = new ThrottledError(`${name} is throttled`, { cause });
      else failure = new UnreachableError(`${name} gives no answer`, { cause });
    }
  }
  throw failure;
}
