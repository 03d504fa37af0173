import { LeadershipLostError, type Loss, lossOf } from '../leadership/loss.ts';
import { linkedController } from '../linked-controller.ts';
import type { Fence } from '../request.ts';
import { hasCode } from '../tenure-error.ts';

/** The term in which a leader works: that of a LeaderElector, or of the `tenure lead` that runs this process. */
export interface LeadingTerm extends Fence {
  readonly group: string;
  /** Aborts with a LeadershipLostError when the term is over. */
  readonly signal: AbortSignal;
  /** Ends the term, once. */
  end(loss: Loss): void;
}

/** A LeaderElector, as the holder of the term in which it leads now, if it does. */
export interface Leading {
  readonly group: string;
  readonly term: LeadingTerm | undefined;
}

/**
 * The term itself, or that in which an elector leads now: a later one is never taken instead.
 * @throws LeadershipLostError when the elector does not lead.
 */
export function presentTerm(given: LeadingTerm | Leading): LeadingTerm {
  if ('fencingVersion' in given) return given;
  if (given.term) return given.term;
  throw new LeadershipLostError({ reason: 'expired', detail: `The elector of ${given.group} does not lead now.` });
}

/**
 * The term of the `tenure lead` that runs this process, from TENURE_GROUP, TENURE_FENCING_VERSION and
 * TENURE_SESSION_ID. It is not renewed here, so its signal aborts only with the first call that is refused for it;
 * `tenure lead` stops the process by signals.
 * @throws TypeError when the environment has no term.
 *
 * @example
 * ```ts
 * import { termFromEnvironment } from 'tenure';
 *
 * // Run as: tenure lead --group orders node program.js
 * const { group, fencingVersion } = termFromEnvironment();
 * console.log(`leads ${group} with version ${fencingVersion}`);
 * ```
 */
export function termFromEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): LeadingTerm {
  const { TENURE_GROUP: group, TENURE_SESSION_ID: sessionId, TENURE_FENCING_VERSION: version } = env;
  const fencingVersion = Number(version);
  if (!group || !sessionId || !Number.isInteger(fencingVersion)) {
    throw new TypeError(
      'There is no term in TENURE_GROUP, TENURE_FENCING_VERSION and TENURE_SESSION_ID: run this process under tenure lead.',
    );
  }
  const ending = new AbortController();
  return {
    group,
    fencingVersion,
    sessionId,
    signal: ending.signal,
    end: (loss) => ending.abort(new LeadershipLostError(loss)),
  };
}

/**
 * Calls the service for the term. When the answer says that the term is over, the term ends here too: its signal stops
 * the work, and the one error for it is thrown. The signal of the caller ends the call alone.
 * @throws LeadershipLostError
 */
export async function inTerm<Value>(
  term: LeadingTerm,
  act: (signal: AbortSignal) => Promise<Value>,
  caller?: AbortSignal,
): Promise<Value> {
  term.signal.throwIfAborted();
  const { controller, unlink } = linkedController(term.signal, caller);
  try {
    return await act(controller.signal);
  } catch (error) {
    const loss = lossOf(error) ?? fencedOff(error);
    if (!loss) throw error;
    term.end(loss);
    throw new LeadershipLostError(loss);
  } finally {
    unlink();
  }
}

function fencedOff(error: unknown): Loss | undefined {
  if (!hasCode(error, 'fenced')) return undefined;
  const { current } = error.members;
  return {
    reason: 'superseded',
    detail: error.message,
    ...(typeof current === 'number' && { currentVersion: current }),
  };
}
