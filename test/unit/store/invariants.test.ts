import { expect, test } from 'vitest';
import { type Invariant, requireInvariants } from '../../../store/invariants.ts';

const invariants: Invariant<number>[] = [
  { name: 'T1', title: 'a number is whole', holds: Number.isInteger },
  { name: 'T2', title: 'a number is above zero', holds: (number) => number > 0 },
];

test('passes what holds', () => {
  expect(() => requireInvariants(invariants, 1, 'The number')).not.toThrow();
});

test('names the invariant that does not hold, in words', () => {
  expect(() => requireInvariants(invariants, -1, 'The number')).toThrow(
    expect.objectContaining({
      name: 'InvariantViolationError',
      invariant: 'T2',
      message: 'The number violates T2: a number is above zero. Nothing was written.',
    }),
  );
});
