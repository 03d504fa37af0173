import type { Retrier, State, StateVisit } from '../model.ts';
import type { StateError } from './run.ts';

const terminal = ['States.Runtime', 'States.DataLimitExceeded'];
const timeouts = ['States.Timeout', 'States.HeartbeatTimeout'];

/**
 * Whether ErrorEquals covers the error, by the rules of "Handling errors in Step Functions workflows": States.ALL
 * covers everything but the terminal errors, States.TaskFailed the same without timeouts, and States.Runtime is never
 * handled.
 */
export function matches(errorEquals: string[], { error, also }: StateError): boolean {
  if (error === 'States.Runtime') return false;
  const isTerminal = error !== undefined && terminal.includes(error);
  return errorEquals.some((name) => {
    if (name === 'States.ALL') return !isTerminal;
    if (name === 'States.TaskFailed' && !isTerminal && !timeouts.includes(error ?? '')) return true;
    return name === error || also.includes(name);
  });
}

/** Milliseconds until the next attempt, or undefined if no retry is left. Counts the retry in the visit. */
export function nextRetry(
  state: State,
  visit: StateVisit,
  error: StateError,
  random: () => number,
): number | undefined {
  const retriers = state.Retry ?? [];
  const index = retriers.findIndex((retrier) => matches(retrier.ErrorEquals, error));
  const retrier = retriers[index];
  if (!retrier) return undefined;
  const used = visit.retries[index] ?? 0;
  if (used >= (retrier.MaxAttempts ?? 3)) return undefined;
  visit.retries = retriers.map((_, at) => (visit.retries[at] ?? 0) + (at === index ? 1 : 0));
  return backoff(retrier, used, random);
}

function backoff(retrier: Retrier, used: number, random: () => number): number {
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Number.POSITIVE_INFINITY, JitterStrategy } = retrier;
  const seconds = Math.min(IntervalSeconds * BackoffRate ** used, MaxDelaySeconds);
  return Math.round(seconds * 1000 * (JitterStrategy === 'FULL' ? random() : 1));
}
