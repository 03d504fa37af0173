/** How a log comes into being and ends. */
import type { Fence } from '../api/fence.ts';
import { limitReached, ProblemError, unavailable } from '../api/problem.ts';
import { truncationHeld } from '../api/problems/log.ts';
import type { LogRoom } from './log-room.ts';
import { type Logs, mustLead } from './logs.ts';
import { eraseLog } from './protocol/erase.ts';
import { StaleConfigurationError, UnreachableError } from './protocol/quorum.ts';
import type { RegisteredLog } from './protocol/registry.ts';
import { getLogOrThrow, type LogName } from './registered-log.ts';

/** Creates a log, or returns the existing one. Throws `limit_reached`. */
export async function createLog(
  room: Pick<LogRoom, 'create' | 'registry' | 'mostLogs'>,
  { group, log }: LogName,
  autoInitialize: boolean,
): Promise<{ created: boolean; log: RegisteredLog }> {
  const there = await room.registry.read(group, log);
  if (there) return { created: false, log: there };
  const { mostLogs: most } = room;
  const { items } = await room.registry.list(group, undefined, most);
  if (items.length >= most) {
    throw new ProblemError(
      limitReached,
      `Group "${group}" has ${items.length} of at most ${most} logs; delete one before you create "${log}".`,
      { limit: most, of: 'logs' },
    );
  }
  return room.create({ group, log, autoInitialize, createdAt: Date.now() });
}

/**
 * Empties the replicas of a log, then forgets it. Every replica must be reachable; after an error the log is neither
 * readable nor gone, and repeating the request continues. Throws `not_found`, `leadership_lost`, `truncation_held`,
 * `unavailable`.
 */
export async function deleteLog(logs: Logs, name: LogName, fence: Fence | undefined, budgetMs: number): Promise<void> {
  const { group, log } = name;
  if (fence) await mustLead(logs, group, fence);
  const registered = await getLogOrThrow(logs.registry, name);
  const held = await logs.registry.readHold(group, log);
  if (held) {
    const detail = `Backup ${held.backupId} reads log "${log}"; delete it once the backup has ended.`;
    throw new ProblemError(truncationHeld, detail, { ...held, retryAfterMs: 5_000 });
  }
  const until = Date.now() + budgetMs;
  const again = (why: string) =>
    new ProblemError(unavailable, `Log "${log}" is not deleted yet: ${why}. Repeat the request to continue.`, {
      retryAfterMs: 1_000,
    });
  try {
    await eraseLog(logs.partsOf(registered), `deleted-${registered.createdAt}`, () => {
      if (Date.now() > until) throw again('it has many entries');
    });
  } catch (error) {
    if (error instanceof UnreachableError) throw again(error.message);
    if (error instanceof StaleConfigurationError) throw again('its members have changed');
    throw error;
  }
  await logs.registry.forget(group, log, Date.now());
}
