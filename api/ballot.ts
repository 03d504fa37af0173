/**
 * Bits of a ballot: the fencing version above the round, so that a newer leader outranks every ballot of an older one.
 */
const roundBits = 25;
const rounds = 2 ** roundBits;
export const maxVersion = 2 ** 28 - 1;
export const maxRound = rounds - 1;

/**
 * Packs a fencing version (0 to 2^28 − 1) and a round (0 to 2^25 − 1) into one safe integer. Throws a RangeError
 * outside.
 */
export function pack(version: number, round: number): number {
  if (!Number.isInteger(version) || version < 0 || version > maxVersion) {
    throw new RangeError(`A fencing version is between 0 and ${maxVersion}, not ${version}`);
  }
  if (!Number.isInteger(round) || round < 0 || round > maxRound) {
    throw new RangeError(`A round is between 0 and ${maxRound}, not ${round}`);
  }
  return version * rounds + round;
}

export function versionOf(ballot: number): number {
  return Math.floor(ballot / rounds);
}

export function roundOf(ballot: number): number {
  return ballot % rounds;
}

export type Above = { ballot: number } | { outranked: true } | { exhausted: true };

/**
 * The lowest ballot of `version` that beats `toBeat`. `outranked` when `toBeat` belongs to a newer version: that one
 * can never be beaten. `exhausted` when the version has no round left: a carry would forge the next leader's version.
 */
export function above(toBeat: number, version: number): Above {
  const rival = versionOf(toBeat);
  if (rival > version) return { outranked: true };
  if (rival < version) return { ballot: pack(version, 1) };
  const round = roundOf(toBeat) + 1;
  return round > maxRound ? { exhausted: true } : { ballot: pack(version, round) };
}
