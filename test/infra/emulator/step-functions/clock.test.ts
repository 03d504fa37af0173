import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../../emulator/step-functions/clock.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});

afterEach(() => {
  vi.useRealTimers();
});

test('The system clock calls back at the instant, at once if it has passed, and never when cancelled', () => {
  const fired: string[] = [];
  systemClock.setTimer(1_000, () => fired.push('later'));
  systemClock.setTimer(-5, () => fired.push('passed'));
  systemClock.setTimer(500, () => fired.push('cancelled'))();
  vi.advanceTimersByTime(999);
  expect(fired).toEqual(['passed']);
  vi.advanceTimersByTime(1);
  expect(fired).toEqual(['passed', 'later']);
});

test('A timer for an instant beyond the longest delay of Node does not fire at once', () => {
  const fired = vi.fn();
  const year = 365 * 24 * 3600_000;
  systemClock.setTimer(year, fired);
  vi.advanceTimersByTime(24 * 3600_000);
  expect(fired).not.toHaveBeenCalled();
});
