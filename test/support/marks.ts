import { expect, onTestFinished } from 'vitest';
import { watchMarks } from '../../store/marks.ts';

/** The running test fails unless it reaches the lines of these marks. */
export function reaches(...names: readonly string[]): void {
  const seen = new Set<string>();
  watchMarks((name) => seen.add(name));
  onTestFinished(() => {
    watchMarks(undefined);
    expect([...seen]).toEqual(expect.arrayContaining([...names]));
  });
}
