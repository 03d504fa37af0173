import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { type Positions, positions } from '../protocol/reader.ts';
import type { RegisteredLog } from '../protocol/registry.ts';
import type { Logs } from './logs.ts';

export type LogStatus = RegisteredLog & Positions;

/** Where a log and each of its replicas stand. */
export async function status(logs: Logs, registered: RegisteredLog): Promise<LogStatus> {
  const heads = await positions(logs.partsOf(registered));
  return { ...registered, ...heads };
}

/** The same for several logs, in their order. */
export function statuses(logs: Logs, registered: readonly RegisteredLog[]): Promise<LogStatus[]> {
  return mapConcurrent(registered, 8, (log) => status(logs, log));
}
