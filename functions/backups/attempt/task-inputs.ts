/** Common parts of the workflow's functions. */
import * as z from 'zod/mini';
import { name } from '../../../api/schema.ts';
import { tasks } from '../../platform/task.ts';
import type { Backups } from '../backups.ts';

const backup = z.object({ group: name, backupId: z.uuid() });
const attempt = z.extend(backup, { attempt: z.int().check(z.minimum(1)) });
const error = z.object({ Error: z.string(), Cause: z.optional(z.string()) });

/** The states' inputs to their functions. */
export const inputs = {
  backup,
  attempt,
  asked: z.extend(attempt, { taskToken: z.string().check(z.minLength(1)) }),
  cut: z.extend(attempt, { position: z.record(z.string(), z.int().check(z.minimum(0))) }),
  verify: z.extend(attempt, { cursor: z.string() }),
  failed: z.extend(attempt, { error }),
  broken: z.extend(backup, { error }),
};

/** Task tokens stay out of the log. */
function named(input: unknown) {
  const { group, backupId, attempt: number } = input as { group?: string; backupId?: string; attempt?: number };
  return { group, backupId, attempt: number };
}

export const task = tasks({ named });

const marginMs = 2_000;

/** How long one call may work: short enough that the workflow notices a lost one within the abandon timeout. */
export function sliceMs({ settings }: Backups, remainingMs: () => number): number {
  return Math.max(1_000, Math.min(settings.abandonTimeoutMs / 2, remainingMs() - marginMs));
}
