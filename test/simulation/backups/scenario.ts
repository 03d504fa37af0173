/**
 * One group that programs write to while backups cut it: what is in a cut must hold everything that was acknowledged
 * before anything in it was begun. That is the four causal directions (log to job, job to log, job to job, log to log)
 * at once, and without any clock.
 */

import { readContents } from '../../../functions/backups/attempt/cut-contents.ts';
import { type CutterParts, GroupCutter } from '../../../functions/backups/attempt/group-cut.ts';
import type { ArchiveBucket, Place } from '../../../functions/backups/bucket/archive-bucket.ts';
import { attemptPlace } from '../../../functions/backups/bucket/archive-place.ts';
import type { GroupCutOutcome } from '../../../functions/backups/ports.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import { UnreachableError } from '../../../log/protocol/quorum.ts';
import { read } from '../../../log/protocol/reader.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { partsFor } from './cut-parts.ts';
import { program, uuidOf, writerOf } from './programs.ts';
import { group, logNames, Stage, type Taken } from './stage.ts';

/** Takes the cut of a backup as another design would; left out, as the product does. */
export type Variant = (parts: CutterParts, name: { group: string; backupId: string }) => Promise<Taken | undefined>;

export interface Outcome {
  readonly seed: number;
  readonly cuts: number;
  readonly crashes: number;
  readonly facts: number;
  readonly heldBack: number;
  readonly violation?: string;
}

/** The cut's objects, read past the network. */
async function keptBy(
  stage: Stage,
  name: { group: string; backupId: string },
  placed: Extract<GroupCutOutcome, { kind: 'cut' }>,
) {
  const bucket = {
    open: async ({ key }: Place) => [stage.objects.get(key)] as unknown as AsyncIterable<Uint8Array>,
  } satisfies Partial<ArchiveBucket> as unknown as ArchiveBucket;
  const prefix = { bucket: 'bucket', key: attemptPlace({ ...name, attempt: 1 }) };
  const jobs = new Map<string, number>();
  for (let at = 1; at <= placed.contents.files; at += 1) {
    for (const entry of await readContents(bucket, prefix, placed.contents, at)) {
      if (entry.type === 'job') jobs.set(entry.jobId, entry.nextCheckpointId);
    }
  }
  return { cut: placed.cut, jobs };
}

/** One backup after the other; the process of a cut may die at any request, and another one takes its place. */
async function backups(stage: Stage, variant: Variant | undefined): Promise<void> {
  const { dice, world } = stage;
  const { sleep } = world.timer(stage.process('the workflow'));
  for (let number = 1; stage.storm; number += 1) {
    await sleep(dice.integer(0, 100));
    const name = { group, backupId: uuidOf(900_000 + number) };
    stage.running = name.backupId;
    for (let tries = 1; tries <= 5; tries += 1) {
      const process = stage.process(`cut ${number}.${tries}`);
      const parts = partsFor(stage, process, dice.chance(0.3) ? dice.integer(1, 150) : Infinity);
      const over = { taken: undefined as Taken | undefined, ended: false };
      world.start(async () => {
        try {
          if (variant) over.taken = await variant(parts, name);
          else {
            const placed = await new GroupCutter(parts).cut({ ...name, attempt: 1 });
            if (placed.kind === 'cut') over.taken = await keptBy(stage, name, placed);
          }
        } catch (error) {
          if (!(error instanceof UnreachableError)) throw error;
        }
        over.ended = true;
      });
      for (let waited = 0; waited < 8_000 && !over.ended && !process.dead; waited += 50) await sleep(50);
      process.dead = true;
      if (over.taken) stage.taken.push(over.taken);
      if (over.taken) break;
    }
    stage.running = undefined;
    // Sometimes the clean-up never comes: the next one takes over what is held.
    if (dice.chance(0.7)) {
      const parts = partsFor(stage, stage.process('clean-up'), Infinity);
      await new GroupCutter(parts).release(group, name.backupId).catch(() => undefined);
    }
  }
}

/** Plays one seed; `violation` says what a cut lacks. */
export async function play(seed: number, variant?: Variant): Promise<Outcome> {
  const dice = seededRandom(seed);
  const stage = new Stage(dice);
  const { world } = stage;
  const jobs = Array.from({ length: dice.pick([1, 6, 16]) }, (_, at) => `job-${at}`);
  for (const jobId of jobs) stage.jobs.submit(group, jobId, 0);
  const writers = new Map(logNames.map((log) => [log, writerOf(stage, log)]));
  const pace = dice.pick([5, 20, 150]);
  const programs = dice.integer(2, 5);
  for (let at = 1; at <= programs; at += 1) {
    world.start(() => program(stage, `p${at}`, { jobs, writers, pace }));
  }
  world.start(() => backups(stage, variant));
  await world.run(12_000);
  stage.storm = false;
  world.weather = { loss: 0, duplication: 0, slow: 0, crash: 0, stall: 0 };
  await world.run(20_000);
  let readAll = 0;
  world.start(async () => {
    for (const log of logNames) {
      const parts = stage.partsOf(stage.process('reader'), log);
      await elect(parts, 2);
      const page = await read(parts, { limit: 100_000, maxBytes: 2 ** 30 });
      if (!('items' in page)) throw new Error(JSON.stringify(page));
      for (const { position, data } of page.items) stage.positions.set(Buffer.from(data).toString(), position);
      readAll += 1;
    }
  });
  await world.run(20_000, () => readAll === logNames.length);
  if (readAll < logNames.length) throw new Error(`seed ${seed}: the logs could not be read`);
  const violation = stage.taken.map((taken) => lackIn(stage, taken)).find((lack) => lack !== undefined);
  const { crashes, heldBack } = stage;
  const outcome = { seed, cuts: stage.taken.length, crashes, facts: stage.facts.length, heldBack };
  return violation === undefined ? outcome : { ...outcome, violation };
}

/** Writes acknowledged before something in the cut began, and missing from it. */
function lackIn({ facts, acknowledged }: Stage, taken: Taken): string | undefined {
  const newest = Math.max(0, ...facts.filter((fact) => fact.in(taken)).map(({ after }) => after));
  const lack = acknowledged.slice(0, newest).findIndex((fact) => !fact.in(taken));
  return lack === -1 ? undefined : `fact ${lack} of ${newest} acknowledged before the newest in the cut is not in it`;
}

/** Plays seeds from `first` on until one is violated. */
export async function playMany(first: number, runs: number, variant?: Variant) {
  const sum = { runs: 0, cuts: 0, crashes: 0, facts: 0, heldBack: 0 };
  for (let seed = first; seed < first + runs; seed += 1) {
    const { violation, cuts, crashes, facts, heldBack } = await play(seed, variant);
    sum.runs += 1;
    sum.cuts += cuts;
    sum.crashes += crashes;
    sum.facts += facts;
    sum.heldBack += heldBack;
    if (violation) return { ...sum, seed, violation };
  }
  return sum;
}
