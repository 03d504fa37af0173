import type { Logs } from './logs.ts';
import { inParallel } from './quorum.ts';
import { type Positions, positions } from './reader.ts';
import type { RegisteredLog } from './registry.ts';

export type LogStatus = RegisteredLog & Positions;

/** Where a log and each of its replicas stand. */
export async function status(logs: Logs, registered: RegisteredLog): Promise<LogStatus> {
  const heads = await positions(logs.parts(registered.group, registered.log));
  return { ...registered, ...heads };
}

/** The same for several logs, in their order. */
export async function statuses(logs: Logs, registered: readonly RegisteredLog[]) {
  const found = new Map<string, LogStatus>();
  await inParallel(registered, 8, async (log) => void found.set(log.log, await status(logs, log)));
  return registered.flatMap(({ log }) => found.get(log) ?? []);
}
