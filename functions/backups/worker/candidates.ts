/** A registered worker, and which one takes a backup. Pure: no SDK, no clock. */
import type { Refusal } from '../backup.ts';

export interface Worker {
  readonly worker: string;
  readonly host: string;
  /**
   * Names the process: a restart under the same worker id is another instance. Undefined for clients that send none.
   */
  readonly instanceId?: string | undefined;
  /** Where it can keep backups on its own disk; none when it was started without one. */
  readonly folders?: readonly string[] | undefined;
  /** Epoch ms. */
  readonly lastSeenAt: number;
  /** When it was going to be seen again at the latest, ms later. */
  readonly expectedAfterMs: number;
  /** When it last let the service wait in vain, epoch ms. Counts until it is seen after that. */
  readonly silentAt?: number | undefined;
}

/** A worker is gone once it has missed three polls, and at the latest after the abandon timeout. */
export function isPresent(worker: Worker, now: number, abandonTimeoutMs: number): boolean {
  return absence(worker, now, abandonTimeoutMs) === undefined;
}

function absence(worker: Worker, now: number, abandonTimeoutMs: number): string | undefined {
  const { lastSeenAt, expectedAfterMs, silentAt } = worker;
  if (silentAt !== undefined && silentAt >= lastSeenAt) return `was silent, and was given up ${now - silentAt} ms ago`;
  if (lastSeenAt + Math.min(3 * expectedAfterMs, abandonTimeoutMs) > now) return undefined;
  return `last seen ${now - lastSeenAt} ms ago`;
}

export interface Candidate {
  readonly worker: Worker;
  readonly chosen: boolean;
  readonly why: string;
}

export interface Demand {
  readonly refusals: readonly Refusal[];
  /** Whether the backup goes to a disk of the worker. */
  readonly onOwnDisk: boolean;
  /** And to which of the folders that a worker registered. */
  readonly folder?: string | undefined;
  readonly now: number;
  readonly abandonTimeoutMs: number;
}

/**
 * Orders the workers for a backup: those that can take it first, the one seen last before the others. The first is
 * chosen. A worker that refused this backup is passed over. Only the worker itself knows whether it is busy: then it
 * refuses.
 */
export function candidates(workers: readonly Worker[], demand: Demand): Candidate[] {
  const judged = workers.map((worker) => {
    const obstacle = obstacleFor(worker, demand);
    return { worker, fit: obstacle === undefined, why: obstacle ?? 'present' };
  });
  const ordered = judged.toSorted(
    (one, other) => Number(other.fit) - Number(one.fit) || other.worker.lastSeenAt - one.worker.lastSeenAt,
  );
  return ordered.map(({ worker, fit, why }, at) => ({
    worker,
    chosen: fit && at === 0,
    why: fit && at > 0 ? `${why}; another was seen later` : why,
  }));
}

function obstacleFor(
  worker: Worker,
  { refusals, onOwnDisk, folder, now, abandonTimeoutMs }: Demand,
): string | undefined {
  const refusal = refusals.find((one) => one.worker === worker.worker);
  if (refusal) return `refused: ${refusal.reason}`;
  const gone = absence(worker, now, abandonTimeoutMs);
  if (gone !== undefined) return gone;
  if (folder !== undefined && !worker.folders?.includes(folder))
    return `keeps no backups in ${folder}: start it with --local-dir ${folder}`;
  // Clients that say nothing of folders refuse themselves.
  if (onOwnDisk && worker.folders?.length === 0) return noFolder;
  return undefined;
}

const noFolder = 'has no folder for backups on its own disk: start it with --local-dir';
