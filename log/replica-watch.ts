/** The sweep's view of the replicas, minute by minute: changes are noted for the events. */
import type { Clock } from '../store/clock.ts';
import type { LogParts } from './protocol/log.ts';
import { ask } from './protocol/quorum.ts';
import type { Lock, Status } from './protocol/replica.ts';
import type { LogName } from './registered-log.ts';

export type SeenStatus = Status | 'UNREACHABLE';

export interface SeenReplica {
  readonly id: string;
  readonly status: SeenStatus;
  /** A restore holds it from voting, and lets it vote. */
  readonly restoring?: boolean;
  readonly lock?: Lock | undefined;
  /** The last position that it has touched, in this life. */
  readonly end?: number | undefined;
  readonly incarnation?: string | undefined;
}

/** As it was last noted. */
export interface NotedReplica {
  readonly status: SeenStatus;
  /** Undefined for the first time. */
  readonly previous?: SeenStatus | undefined;
  /** Epoch ms. */
  readonly since: number;
}

/** The port to the notes, one per replica of a log. */
export interface ReplicaNotes {
  /** Strongly consistent, by replica. */
  read(name: LogName): Promise<ReadonlyMap<string, NotedReplica>>;
  /** Nothing happens when another sweep has noted something since `seen` was read. */
  write(name: LogName, replica: string, seen: NotedReplica | undefined, note: NotedReplica): Promise<void>;
}

/** The status of every replica of a log; one that does not answer in time is UNREACHABLE. */
export async function lookAt({ replicas, timer, settings }: LogParts): Promise<SeenReplica[]> {
  const questions = replicas.map((replica) => () => replica.read());
  const metas = await ask(questions, { enough: () => false, ms: settings.answerMs, timer });
  return replicas.map(({ id }, at) => {
    const { status = 'UNREACHABLE', restoreId, lock, end, incarnation } = metas[at] ?? {};
    return { id, status, restoring: status === 'RECOVERING' && restoreId !== undefined, lock, end, incarnation };
  });
}

/**
 * The replicas that should vote and do not. A log that is founded by hand and is not yet misses none, nor does one that
 * is being restored.
 */
export function missingVotes(seen: readonly SeenReplica[], autoInitialize: boolean): SeenReplica[] {
  const founded = autoInitialize || seen.some(({ status }) => status !== 'EMPTY' && status !== 'UNREACHABLE');
  return seen.filter(({ status, restoring }) => status !== 'VOTING' && !restoring && (founded || status !== 'EMPTY'));
}

/** Notes what has changed since the sweep before; as long as nothing does this is one read. */
export async function note(notes: ReplicaNotes, clock: Clock, name: LogName, seen: readonly SeenReplica[]) {
  const noted = await notes.read(name);
  for (const { id, status } of seen) {
    const before = noted.get(id);
    if (before?.status === status) continue;
    const previous = before && { previous: before.status };
    await notes.write(name, id, before, { status, ...previous, since: clock.now() });
  }
}
