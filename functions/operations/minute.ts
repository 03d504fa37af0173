/** The schedule's work of each minute, one thing after the other. */
import { setTimeout as pause } from 'node:timers/promises';
import { logger } from '../platform/logging.ts';

export interface Chore {
  readonly name: string;
  /** Only with the first minute of an hour. */
  readonly hourly?: boolean;
  run(): Promise<unknown>;
}

export interface MinuteOptions {
  readonly random?: () => number;
  readonly wait?: (ms: number) => Promise<unknown>;
}

/** The stages of an account share its concurrency, and all of them begin with the minute. */
const jitterMs = 500;

/** The rest of `ms`, or of the invocation's own time when that is less. */
export function within(ms: number, remainingMs: () => number): () => number {
  const reserved = Math.max(0, remainingMs() - ms);
  return () => remainingMs() - reserved;
}

/**
 * Does each chore in turn. One that fails holds up no other; the minute then fails as a whole, so that somebody learns
 * of it.
 */
export async function runMinute(
  slot: string,
  chores: readonly Chore[],
  { random = Math.random, wait = pause }: MinuteOptions = {},
): Promise<Record<string, unknown>> {
  const done: Record<string, unknown> = {};
  const failures: Error[] = [];
  const newHour = new Date(slot).getUTCMinutes() === 0;
  await wait(random() * jitterMs);
  for (const { name, hourly = false, run } of chores) {
    if (hourly && !newHour) continue;
    try {
      done[name] = await run();
    } catch (error) {
      logger.error(`The ${name} failed`, { slot, error: error as Error });
      failures.push(error as Error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1)
    throw new AggregateError(failures, failures.map(({ name, message }) => `${name}: ${message}`).join('; '));
  return done;
}
