/** When a group is backed up by itself. Pure: no SDK, no clock. */
import type * as z from 'zod/mini';
import type { backupPolicy } from '../../../api/operations/backups.ts';
import { timedUuidFrom } from '../derived-id.ts';

export type Policy = z.output<typeof backupPolicy>;

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** A slot that is older has misfired: nobody looked in time. */
const misfiredAfterMs = 5 * minuteMs;

/**
 * The newest slot at or before the instant, epoch ms. Slots lie on multiples of the period, or at the hour of each day
 * in UTC.
 */
export function newestSlot({ everyMs, dailyAt }: Policy, now: number): number {
  if (everyMs !== undefined) return Math.floor(now / everyMs) * everyMs;
  const [hours = 0, minutes = 0] = (dailyAt ?? '00:00').split(':').map(Number);
  const today = Math.floor(now / dayMs) * dayMs + (hours * 60 + minutes) * minuteMs;
  return today <= now ? today : today - dayMs;
}

export type Due = { readonly start: number } | { readonly skip: number } | undefined;

/**
 * The slot that is due now, given that everything up to `doneUntil` is done: of several missed slots only the newest
 * counts. One that misfired is caught up with, or skipped.
 */
export function due(policy: Policy, doneUntil: number, now: number): Due {
  const slot = newestSlot(policy, now);
  if (slot <= doneUntil) return undefined;
  const misfired = now - slot > misfiredAfterMs;
  return misfired && policy.misfire === 'skip' ? { skip: slot } : { start: slot };
}

/** Two ticks that see the same slot ask for the same backup. */
export const slotBackupId = (group: string, slot: number): string => timedUuidFrom(slot, 'backup', group);
