import fc from 'fast-check';
import { expect, test } from 'vitest';
import { above, maxRound, maxVersion, pack, roundOf, versionOf } from '../../../api/ballot.ts';

const version = fc.integer({ min: 0, max: maxVersion });
const round = fc.integer({ min: 0, max: maxRound });

test('a version and a round come out of the ballot as they went in, as a safe integer', () => {
  fc.assert(
    fc.property(version, round, (one, other) => {
      const ballot = pack(one, other);
      expect(Number.isSafeInteger(ballot)).toBe(true);
      expect([versionOf(ballot), roundOf(ballot)]).toEqual([one, other]);
    }),
  );
  expect(pack(maxVersion, maxRound)).toBe(Number.MAX_SAFE_INTEGER);
});

test('every ballot of a newer version is above every ballot of an older one', () => {
  fc.assert(
    fc.property(version, version, round, round, (one, other, oneRound, otherRound) => {
      fc.pre(one > other);
      expect(pack(one, oneRound)).toBeGreaterThan(pack(other, otherRound));
    }),
  );
});

test('the next ballot beats the one before and stays within its version', () => {
  fc.assert(
    fc.property(version, version, round, (own, rival, rivalRound) => {
      const toBeat = pack(rival, rivalRound);
      const next = above(toBeat, own);
      if (own < rival) expect(next).toEqual({ outranked: true });
      else if (own === rival && rivalRound === maxRound) expect(next).toEqual({ exhausted: true });
      else {
        const { ballot } = next as { ballot: number };
        expect(ballot).toBeGreaterThan(toBeat);
        expect(versionOf(ballot)).toBe(own);
      }
    }),
  );
});

test('the last round of a version is terminal and never carried into the next version', () => {
  expect(above(pack(3, maxRound), 3)).toEqual({ exhausted: true });
  expect(above(pack(3, maxRound), 4)).toEqual({ ballot: pack(4, 1) });
  expect(() => pack(3, maxRound + 1)).toThrow(`between 0 and ${maxRound}, not ${maxRound + 1}`);
  expect(() => pack(maxVersion + 1, 0)).toThrow(RangeError);
});
