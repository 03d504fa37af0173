/** Statements that must hold of everything that is written, checked before it is sent. */
import { channel } from 'node:diagnostics_channel';

export interface Invariant<Subject> {
  /** As docs/design/ names it. */
  readonly name: string;
  /** The invariant, in words that complete "it must hold that …". */
  readonly title: string;
  holds(subject: Subject): boolean;
}

/** A write that would break the rules of the product: nothing was sent. */
export class InvariantViolationError extends Error {
  override readonly name = 'InvariantViolationError';

  constructor(
    readonly invariant: string,
    title: string,
    what: string,
  ) {
    super(`${what} violates ${invariant}: ${title}. Nothing was written.`);
  }
}

/** Receives each violation: a service counts them and raises an alarm. */
export const violations = channel('tenure:invariant-violated');

/** @throws InvariantViolationError at the first that does not hold, after it was published to `violations`. */
export function requireInvariants<Subject>(
  invariants: readonly Invariant<Subject>[],
  subject: Subject,
  what: string,
): void {
  for (const invariant of invariants) {
    if (invariant.holds(subject)) continue;
    const violation = new InvariantViolationError(invariant.name, invariant.title, what);
    violations.publish(violation);
    throw violation;
  }
}
