/** One of the invariants does not hold. */
export class ViolationError extends Error {
  override readonly name = 'ViolationError';

  constructor(
    readonly invariant: string,
    message: string,
  ) {
    super(`${invariant}: ${message}`);
  }
}
