/** How the checkpoints of a job come. Pure. */

interface Committed {
  readonly committedAt: string;
  readonly bytes: number;
}

export function rhythmOf(checkpoints: readonly Committed[]): { readonly everyMs: number; readonly meanBytes: number } {
  const times = checkpoints.map(({ committedAt }) => Date.parse(committedAt));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const sum = checkpoints.reduce((total, { bytes }) => total + bytes, 0);
  return {
    everyMs: times.length < 2 ? 0 : (last - first) / (times.length - 1),
    meanBytes: checkpoints.length === 0 ? 0 : sum / checkpoints.length,
  };
}

/** Seconds of the commits, and for each the size or the seconds since the one before. */
export function plotted(checkpoints: readonly Committed[], measure: 'bytes' | 'gap'): [number[], (number | null)[]] {
  const at = checkpoints.map(({ committedAt }) => Date.parse(committedAt) / 1000);
  if (measure === 'bytes') return [at, checkpoints.map(({ bytes }) => bytes)];
  return [at, at.map((time, index) => (index === 0 ? null : time - (at[index - 1] ?? time)))];
}
