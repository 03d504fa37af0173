import { expect, onTestFinished, test, vi } from 'vitest';
import { systemTime } from '../../../client/time.ts';

const day = 86_400_000;

test('a timer longer than 2^31 ms, which Node would fire at once, fires when it is due and can be cancelled', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const fired: string[] = [];
  systemTime.setTimer(40 * day, () => fired.push('forty days'));
  const cancel = systemTime.setTimer(60 * day, () => fired.push('sixty days'));
  vi.advanceTimersByTime(39.9 * day);
  expect(fired).toEqual([]);
  vi.advanceTimersByTime(0.2 * day);
  expect(fired).toEqual(['forty days']);
  cancel();
  vi.advanceTimersByTime(60 * day);
  expect(fired).toEqual(['forty days']);
});
