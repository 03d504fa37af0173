import { mapConcurrent } from '../archive/map-concurrent.ts';
import type { Logs } from './logs.ts';
import { type Positions, positions, type ReplicaPosition } from './protocol/reader.ts';
import type { RegisteredLog } from './protocol/registry.ts';
import type { CaughtUpSoFar, Progress, RecoveryProgress } from './recovery-progress.ts';

export type LogStatus = RegisteredLog &
  Positions & {
    /** Of the recoveries under way, by replica. */
    readonly progress: ReadonlyMap<string, Progress>;
  };

export type StatusRoom = Logs & { readonly progress: Pick<RecoveryProgress, 'read'> };

/** Where a log and each of its replicas stand. */
export async function status(room: StatusRoom, registered: RegisteredLog): Promise<LogStatus> {
  const heads = await positions(room.partsOf(registered));
  const votes = heads.replicas.every((replica) => replica.status === 'VOTING');
  const progress = votes ? new Map() : await room.progress.read(registered);
  return { ...registered, ...heads, progress };
}

/** The same for several logs, in their order. */
export function statuses(room: StatusRoom, registered: readonly RegisteredLog[]): Promise<LogStatus[]> {
  return mapConcurrent(registered, 8, (log) => status(room, log));
}

/** Why a replica does not vote, or does not have everything; undefined for one that does. */
export function waitsFor(
  { id, status: is, lag, end, restoring }: ReplicaPosition,
  { met, voting, quorum, replicas, autoInitialize, progress }: LogStatus,
): string | undefined {
  const { caughtUp, reason } = progress.get(id) ?? {};
  switch (is) {
    case 'VOTING':
      return lag > 0 ? `the next minute: it lags by ${lag} positions` : undefined;
    case 'UNREACHABLE':
      return 'its table, which does not answer';
    case 'RECOVERING':
      if (restoring) return 'the restore that fills it';
      return caughtUp ? catchingUp(caughtUp, end) : `its catch-up, to position ${end}`;
    case 'STARTING':
    case 'EMPTY': {
      if (met) return reason ? `its recovery: ${reason}` : 'its recovery, which begins within a minute';
      const isNew = replicas.every((one) => one.status === 'EMPTY' || one.status === 'STARTING');
      if (isNew) return autoInitialize ? 'the other replicas, to found the log' : 'tenure log init';
      return `a quorum: ${voting} of ${quorum} replicas that must vote do`;
    }
  }
}

function catchingUp({ done, of, perSecond }: CaughtUpSoFar, end: number): string {
  const share = Math.floor((100 * done) / Math.max(1, of));
  return `its catch-up to position ${end}: ${done} of ${of} positions (${share} %), ${perSecond} a second`;
}
