import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { newPulse } from '../../../../client/backups/attempt.ts';
import { ManualTime } from '../../../support/manual-time.ts';

test('the pauses of a long attempt leave nothing on its signal, whether they pass or are hurried', async () => {
  const combine = vi.spyOn(AbortSignal, 'any');
  const time = new ManualTime();
  const pulse = newPulse(time);
  const { signal } = new AbortController();
  for (const hurried of [false, true]) {
    const pause = pulse.wait(1_000, signal);
    await time.advance(hurried ? 0 : 1_000);
    if (hurried) pulse.hurry();
    await pause;
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(time.pendingTimers).toBe(0);
  expect(combine.mock.calls.flat(2)).not.toContain(signal);
  combine.mockRestore();
});
