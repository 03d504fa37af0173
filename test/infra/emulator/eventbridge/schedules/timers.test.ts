import { expect, test } from 'vitest';
import { occurrencesOf } from '../../../../../emulator/eventbridge/schedules/expression.ts';
import { startTimers } from '../../../../../emulator/eventbridge/schedules/timers.ts';

/** A clock that stands still until it is moved. */
function movedClock(start: string) {
  let now = Date.parse(start);
  const waiting = new Map<() => void, number>();
  return {
    now: () => now,
    after(ms: number, run: () => void) {
      waiting.set(run, now + ms);
      return () => void waiting.delete(run);
    },
    /** Runs what is due on the way, as timers of a machine that is awake do. */
    move(ms: number) {
      const until = now + ms;
      for (;;) {
        const [due] = [...waiting].filter(([, at]) => at <= until).sort(([, left], [, right]) => left - right);
        if (!due) break;
        waiting.delete(due[0]);
        now = Math.max(now, due[1]);
        due[0]();
      }
      now = until;
    },
    /** The machine slept: nothing ran in between. */
    sleep(ms: number) {
      now += ms;
    },
    waiting,
  };
}

function firing(expression: string, clock: ReturnType<typeof movedClock>) {
  const slots: string[] = [];
  const occurrences = occurrencesOf(expression, clock.now());
  const stop = startTimers([{ name: expression, occurrences, fire: (slot) => slots.push(slot.toISOString()) }], clock);
  return { slots, stop };
}

test('a rate and a cron fire at their slots', () => {
  const clock = movedClock('2026-01-01T00:00:30.000Z');
  const rate = firing('rate(1 minute)', clock);
  const cron = firing('cron(0/2 * * * ? *)', clock);
  clock.move(4 * 60_000);
  expect(rate.slots).toEqual(['00:01:30', '00:02:30', '00:03:30', '00:04:30'].map((time) => `2026-01-01T${time}.000Z`));
  expect(cron.slots).toEqual(['00:02:00', '00:04:00'].map((time) => `2026-01-01T${time}.000Z`));
});

test('a slot further away than a timer can wait is still met exactly', () => {
  const clock = movedClock('2026-01-01T00:00:00.000Z');
  const { slots } = firing('at(2026-03-01T00:00:00)', clock);
  clock.move(58 * 24 * 3_600_000);
  expect(slots).toEqual([]);
  clock.move(2 * 24 * 3_600_000);
  expect(slots).toEqual(['2026-03-01T00:00:00.000Z']);
  expect(clock.waiting.size).toBe(0);
});

test('after a sleep only slots of the last minute are made up for', () => {
  const clock = movedClock('2026-01-01T00:00:00.000Z');
  const { slots } = firing('rate(1 minute)', clock);
  clock.sleep(10 * 60_000 + 30_000);
  clock.move(60_000);
  expect(slots).toEqual(['00:10:00', '00:11:00'].map((time) => `2026-01-01T${time}.000Z`));
});

test('nothing fires after the stop', () => {
  const clock = movedClock('2026-01-01T00:00:00.000Z');
  const { slots, stop } = firing('rate(1 minute)', clock);
  clock.move(60_000);
  stop();
  clock.move(600_000);
  expect(slots).toHaveLength(1);
});
