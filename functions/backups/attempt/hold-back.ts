/**
 * Holds back what writes to the jobs of a busy group while a cut reads them: a *state lock* on submissions and on every
 * active job. It only makes the passes over the jobs agree; the cut counts on nothing else.
 *
 *   lock submissions, lock the jobs ── lock the logs ── passes ── let the jobs go ── unlock the logs
 *
 * The jobs come before the logs: so many locks take time, and a lock of a log lasts 5 s. Each lock says how long it may
 * stand: longer in a group with many jobs, since the first must not run out before the last is set. The locks of a cut
 * that died go with the hold on its jobs, long before they run out.
 */
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import type { Clock } from '../../../store/clock.ts';
import type { StateLocks } from '../../jobs/state-locks.ts';

/** Ample, as `writesAtOnce` are set at a time. */
const forEachJobMs = 25;
const longestMs = 60_000;
const writesAtOnce = 32;

export interface HoldBack {
  /** Locks those that are not locked yet. */
  add(jobIds: readonly string[]): Promise<void>;
  /** Lets all of them go, once. */
  end(): Promise<void>;
}

interface Holding {
  readonly locks: StateLocks;
  readonly clock: Clock;
  /** How long a lock stands at least, ms. */
  readonly lockMs: number;
}

/** `jobs`: how many of them will be locked, about. */
export async function holdBack(
  { locks, clock, lockMs }: Holding,
  { group, lockId, jobs }: { readonly group: string; readonly lockId: string; readonly jobs: number },
): Promise<HoldBack> {
  const forMs = Math.min(lockMs + jobs * forEachJobMs, Math.max(lockMs, longestMs));
  const held = new Set<string>();
  const letGo = async () => {
    await locks.unlockSubmissions(group, lockId);
    await mapConcurrent([...held], writesAtOnce, (jobId) => locks.unlockJob({ group, jobId }, lockId));
  };
  let ending: Promise<void> | undefined;
  await locks.lockSubmissions(group, { lockId, at: clock.now(), forMs });
  return {
    async add(jobIds) {
      const open = jobIds.filter((jobId) => !held.has(jobId));
      await mapConcurrent(open, writesAtOnce, async (jobId) => {
        held.add(jobId);
        await locks.lockJob({ group, jobId }, { lockId, at: clock.now(), forMs });
      });
    },
    end() {
      ending ??= letGo();
      return ending;
    },
  };
}
