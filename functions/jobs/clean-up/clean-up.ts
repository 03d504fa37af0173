/** The clean-up of a finished job: deletes its checkpoints and graph, keeps its result and savepoints. */
import { ProblemError } from '../../../api/problem.ts';
import { jobActive } from '../../../api/problems/jobs.ts';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { type Checkpoints, goneAt } from '../checkpoints.ts';
import { isDamaged, type JobName, type JobState, owedPayloads, writableOrThrow } from '../job.ts';
import type { Page } from '../job-store.ts';
import { payloadKey } from '../payloads/upload.ts';
import { AnyOf } from './any-of.ts';

/** The port to the jobs that owe a clean-up, over all groups. */
export interface CleanUpStore {
  /** The first of those in groups behind that one, group by group; `last` when there are more. */
  listOwed(behindGroup: string | undefined, limit: number): Promise<Page<JobName>>;
  /** Those of one group, behind a place in it that is `last` of an earlier page. */
  listOwedOf(group: string, after: string | undefined, limit: number): Promise<Page<JobName>>;
  /** Where the clean-up continues: behind a group, or behind a job of the group. */
  readPlace(group?: string): Promise<string | undefined>;
  writePlace(place: string | undefined, group?: string): Promise<void>;
  /**
   * FINISHED → CLEANED, dropping what is owed; the record goes at `ttl`, epoch seconds, if one is given and no
   * savepoint is left.
   */
  endCleanUp(name: JobName, ttl: number | undefined): Promise<void>;
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
/** Jobs that are cleaned up for one group before it is the next one's turn. */
const portion = 100;

/**
 * Cleans up finished jobs while there is time: first a portion of each group's, from the group on at which the last run
 * stopped, then further portions of those that have more. Each keeps its place, also within a group, so that neither a
 * group with many jobs nor jobs that cannot be cleaned up yet keep the others waiting. After a whole round the next run
 * begins at a random group. Can be repeated after a crash at any point.
 */
export async function cleanUp(room: Room, remainingMs: () => number, random = Math.random): Promise<CleanedUp> {
  const run = new Run(room, () => remainingMs() > marginMs, random);
  await run.round();
  await run.rest();
  return run.done;
}

class Run {
  readonly done: CleanedUp = { cleaned: 0, left: 0 };
  readonly #room: Room;
  readonly #hasTime: () => boolean;
  readonly #random: () => number;
  /** Groups with more than what was done in the round. */
  readonly #busy = new Set<string>();
  /** Of the groups of the round. */
  readonly #anyGroup: AnyOf<string>;

  constructor(room: Room, hasTime: () => boolean, random: () => number) {
    this.#room = room;
    this.#hasTime = hasTime;
    this.#random = random;
    this.#anyGroup = new AnyOf(random);
  }

  /** Every group once, beginning behind the one that was last. */
  async round(): Promise<void> {
    const { cleanUps } = this.#room;
    const start = (await cleanUps.readPlace()) ?? (await this.#anyOfFirst());
    let behind = start;
    let fromTheTop = start === undefined;
    while (this.#hasTime()) {
      const { items, last } = await cleanUps.listOwed(behind, portion);
      const ofRound = fromTheTop && start !== undefined ? items.filter(({ group }) => group <= start) : items;
      const ends = last === undefined || ofRound.length < items.length;
      behind = (await this.#groups(ofRound, ends)) ?? behind;
      if (ends && fromTheTop) {
        if (this.#anyGroup.chosen !== undefined) await cleanUps.writePlace(this.#anyGroup.chosen);
        return;
      }
      if (ends) [behind, fromTheTop] = [undefined, true];
    }
  }

  /** Where a first run begins: behind a random one of the first groups, or before them all. */
  async #anyOfFirst(): Promise<string | undefined> {
    const { items } = await this.#room.cleanUps.listOwed(undefined, portion);
    const groups = distinctGroups(items);
    return groups[Math.floor(this.#random() * groups.length) - 1];
  }

  async rest(): Promise<void> {
    while (this.#busy.size > 0) {
      for (const group of this.#busy) {
        if (!this.#hasTime()) return;
        await this.#portionOf(group);
      }
    }
  }

  /** The jobs of a page, whose last group may have more unless the page `ends` all. Returns the last group done. */
  async #groups(items: readonly JobName[], ends: boolean): Promise<string | undefined> {
    const last = items.at(-1)?.group;
    if (last === undefined) return undefined;
    const whole = ends ? items : items.filter(({ group }) => group !== last);
    if (whole.length > 0) await this.#clean(whole);
    else await this.#portionOf(last);
    const done = whole.at(-1)?.group ?? last;
    for (const group of whole.length > 0 ? distinctGroups(whole) : [last]) this.#anyGroup.offer(group);
    await this.#room.cleanUps.writePlace(done);
    return done;
  }

  async #portionOf(group: string): Promise<void> {
    const { cleanUps } = this.#room;
    const { items, last } = await cleanUps.listOwedOf(group, await cleanUps.readPlace(group), portion);
    await this.#clean(items);
    await cleanUps.writePlace(last, group);
    if (last === undefined) this.#busy.delete(group);
    else this.#busy.add(group);
  }

  async #clean(names: readonly JobName[]): Promise<void> {
    for (const cleaned of await mapConcurrent(names, 8, (name) => cleanUpJob(this.#room, name))) {
      this.done[cleaned ? 'cleaned' : 'left'] += 1;
    }
  }
}

const distinctGroups = (names: readonly JobName[]) => [...new Set(names.map(({ group }) => group))];

async function cleanUpJob(room: Room, name: JobName): Promise<boolean> {
  const job = await room.jobs.read(name);
  if (!job || isDamaged(job) || job.state !== 'FINISHED') return false;
  if (job.cleanUp === 'held' || job.heldBy !== undefined) return false;
  const keys = owedPayloads(job).map((payloadId) => payloadKey(name.group, name.jobId, payloadId));
  if ((await room.payloads.discard(keys)).length > 0) return false;
  await room.cleanUps.endCleanUp(name, job.savepoints.length === 0 ? goneAt(job, room) : undefined);
  return true;
}
