import type { Occurrences } from './expression.ts';

export interface Clock {
  now(): number;
  /** Runs after so many ms; returns how to call it off. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface Timed {
  name: string;
  occurrences: Occurrences;
  /** Told the instant at which the schedule was due. */
  fire(slot: Date): void;
}

/** As the schedules of the product ask EventBridge: a slot missed by more than this (the machine slept) is let go. */
const maxEventAgeMs = 60_000;
const longestTimerMs = 24 * 3_600_000;

/** Keeps one timer per schedule. Returns how to stop them all. */
export function startTimers(schedules: Timed[], clock: Clock = systemClock): () => void {
  const pending = new Map<Timed, () => void>();

  function wait(schedule: Timed, slot: number) {
    const left = Math.min(Math.max(0, slot - clock.now()), longestTimerMs);
    pending.set(
      schedule,
      clock.after(left, () => due(schedule, slot)),
    );
  }

  function due(schedule: Timed, slot: number) {
    const now = clock.now();
    if (now < slot) return wait(schedule, slot);
    if (now - slot <= maxEventAgeMs) schedule.fire(new Date(slot));
    arm(schedule, Math.max(slot, now - maxEventAgeMs));
  }

  function arm(schedule: Timed, after: number) {
    const slot = schedule.occurrences.next(after);
    if (slot === undefined) pending.delete(schedule);
    else wait(schedule, slot);
  }

  for (const schedule of schedules) arm(schedule, clock.now());
  return () => {
    for (const cancel of pending.values()) cancel();
    pending.clear();
  };
}
