/**
 * Ends a switch over every kind: one that is added without a case is found by the compiler, and at run time by this
 * error.
 */
export function assertNever(value: never): never {
  throw new TypeError(`No case for ${JSON.stringify(value)}`);
}
