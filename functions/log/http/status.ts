import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { type Positions, positions, type ReplicaPosition } from '../protocol/reader.ts';
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

/** Why a replica does not vote, or does not have everything; undefined for one that does. */
export function waitsFor(
  { status: is, lag, end, restoring }: ReplicaPosition,
  { met, voting, quorum, replicas, autoInitialize }: LogStatus,
): string | undefined {
  switch (is) {
    case 'VOTING':
      return lag > 0 ? `the next minute: it lags by ${lag} positions` : undefined;
    case 'UNREACHABLE':
      return 'its table, which does not answer';
    case 'RECOVERING':
      return restoring ? 'the restore that fills it' : `its catch-up, to position ${end}`;
    case 'STARTING':
    case 'EMPTY': {
      if (met) return 'its recovery, which begins within a minute';
      const isNew = replicas.every((one) => one.status === 'EMPTY' || one.status === 'STARTING');
      if (isNew) return autoInitialize ? 'the other replicas, to found the log' : 'tenure log init';
      return `a quorum: ${voting} of ${quorum} replicas that must vote do`;
    }
  }
}
