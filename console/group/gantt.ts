/** The phases of a backup as parts of its time. Pure. */
import type { Backup } from '../answers.ts';

const order = ['INITIATING', 'TRANSITIONING', 'RUNNING', 'VERIFYING'] as const;
export type Phase = (typeof order)[number];

export interface PhaseBar {
  readonly phase: Phase;
  readonly ms: number;
  /** In per cent of the longest backup shown. */
  readonly left: number;
  readonly width: number;
  readonly isRunning: boolean;
}

export function totalMs({ startedAt, endedAt }: Backup, now: number): number {
  return Math.max(1, Date.parse(endedAt ?? new Date(now).toISOString()) - Date.parse(startedAt));
}

/** Phases follow each other; the one that runs lasts until now. */
export function phasesOf(backup: Backup, longestMs: number, now: number): PhaseBar[] {
  const bars: PhaseBar[] = [];
  let used = 0;
  for (const phase of order) {
    const isRunning = backup.state === phase;
    const reportedMs = backup.phases[phase];
    if (reportedMs === undefined && !isRunning) continue;
    const ms = isRunning ? Math.max(reportedMs ?? 0, totalMs(backup, now) - used) : (reportedMs ?? 0);
    bars.push({ phase, ms, left: (100 * used) / longestMs, width: (100 * ms) / longestMs, isRunning });
    used += ms;
  }
  return bars;
}

/** When the schedule begins the next backup; undefined when it cannot be told. */
export function nextSlot(
  policy: { readonly everyMs?: number | undefined; readonly dailyAt?: string | undefined },
  now: number,
): number | undefined {
  if (policy.everyMs !== undefined) return Math.ceil((now + 1) / policy.everyMs) * policy.everyMs;
  if (policy.dailyAt === undefined) return undefined;
  const today = Date.parse(`${new Date(now).toISOString().slice(0, 10)}T${policy.dailyAt}:00.000Z`);
  return today > now ? today : today + 86_400_000;
}
