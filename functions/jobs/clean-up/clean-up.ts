/** The clean-up of a finished job: deletes its checkpoints and graph, keeps its result and savepoints. */
import { ProblemError } from '../../../api/problem.ts';
import { jobActive } from '../../../api/problems/jobs.ts';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { type Checkpoints, goneAt } from '../checkpoints.ts';
import { isDamaged, type JobName, type JobState, owedPayloads, writableOrThrow } from '../job.ts';
import type { Page } from '../job-store.ts';
import { payloadKey } from '../payloads/upload.ts';

/** The port to the jobs that owe a clean-up, over all groups. */
export interface CleanUpStore {
  listOwed(after: string | undefined, limit: number): Promise<Page<JobName>>;
  /**
   * FINISHED → CLEANED, dropping what is owed; the record goes at `ttl`, epoch seconds, if one is given and no
   * savepoint is left.
   */
  cleaned(name: JobName, ttl: number | undefined): Promise<void>;
}

export interface CleanedUp {
  cleaned: number;
  /** Held by a backup, or with a payload that could not be deleted: the next run tries them again. */
  left: number;
}

type Room = Checkpoints & { readonly cleanUps: CleanUpStore };

/**
 * The application says that it has deleted what the job's checkpoints refer to: the service deletes the rest, at once
 * unless a backup holds it or S3 fails, else by schedule. Throws `not_found`, `fenced` or `job_active`.
 */
export async function clean(room: Room, name: JobName, version: number): Promise<JobState> {
  const { won, lost } = await room.checkpoints.acknowledgeCleanUp(name, version);
  const record = writableOrThrow(name, won ?? lost, version, { finished: 'allowed' });
  if (record.state === 'ACTIVE') {
    const detail = `Job "${name.jobId}" of group "${name.group}" is active; finish it before you acknowledge its clean-up.`;
    throw new ProblemError(jobActive, detail);
  }
  if (record.state === 'CLEANED' || (await cleanUpJob(room, name))) return 'CLEANED';
  return 'FINISHED';
}

/** Time limit for cleaning up some jobs when the stores are slow. */
const marginMs = 10_000;
const jobsAtOnce = 100;

/**
 * Cleans up every finished job once, from any group on, so that no group with many jobs keeps the others waiting; stops
 * when the time is over. Can be repeated after a crash at any point.
 */
export async function cleanUp(
  room: Room,
  remainingMs: () => number,
  random: () => number = Math.random,
): Promise<CleanedUp> {
  const done: CleanedUp = { cleaned: 0, left: 0 };
  const owed = startingAnywhere(await owedJobs(room, remainingMs), random);
  for (let at = 0; at < owed.length && remainingMs() > marginMs; at += jobsAtOnce) {
    const some = owed.slice(at, at + jobsAtOnce);
    for (const cleaned of await mapConcurrent(some, 8, (name) => cleanUpJob(room, name))) {
      done[cleaned ? 'cleaned' : 'left'] += 1;
    }
  }
  return done;
}

async function owedJobs({ cleanUps }: Room, remainingMs: () => number): Promise<JobName[]> {
  const names: JobName[] = [];
  let after: string | undefined;
  do {
    const page = await cleanUps.listOwed(after, 1_000);
    names.push(...page.items);
    after = page.last;
  } while (after !== undefined && remainingMs() > 2 * marginMs);
  return names;
}

/** They come group by group. */
function startingAnywhere(names: readonly JobName[], random: () => number): JobName[] {
  const groups = [...new Set(names.map(({ group }) => group))];
  const first = groups[Math.floor(random() * groups.length)];
  const at = Math.max(
    0,
    names.findIndex(({ group }) => group === first),
  );
  return [...names.slice(at), ...names.slice(0, at)];
}

async function cleanUpJob(room: Room, name: JobName): Promise<boolean> {
  const job = await room.jobs.read(name);
  if (!job || isDamaged(job) || job.state !== 'FINISHED') return false;
  if (job.cleanUp === 'held' || job.heldBy !== undefined) return false;
  const keys = owedPayloads(job).map((payloadId) => payloadKey(name.group, name.jobId, payloadId));
  if ((await room.payloads.discard(keys)).length > 0) return false;
  await room.cleanUps.cleaned(name, job.savepoints.length === 0 ? goneAt(job, room) : undefined);
  return true;
}
