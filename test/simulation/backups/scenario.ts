/**
 * One group that programs write to while backups cut it: what is in a cut must hold everything that was acknowledged
 * before anything in it was begun. That is the four causal directions (log to job, job to log, job to job, log to log)
 * at once, and without any clock.
 */

import { readContents } from '../../../functions/backups/attempt/cut-contents.ts';
import { type CuttingParts, cutting } from '../../../functions/backups/attempt/group-cut.ts';
import type { ArchiveBucket, Place } from '../../../functions/backups/bucket/archive-bucket.ts';
import { attemptPlace } from '../../../functions/backups/bucket/archive-place.ts';
import type { GroupCutOutcome } from '../../../functions/backups/ports.ts';
import type { HeldDeletes } from '../../../functions/jobs/payloads/held-deletes.ts';
import type { StateLocks } from '../../../functions/jobs/state-locks.ts';
import type { GroupLogs } from '../../../functions/log/group-logs.ts';
import { append } from '../../../functions/log/protocol/append.ts';
import { elect } from '../../../functions/log/protocol/coordinator.ts';
import { defaultSettings, type LogParts } from '../../../functions/log/protocol/log.ts';
import type { WriterMemory } from '../../../functions/log/protocol/placement.ts';
import { UnreachableError } from '../../../functions/log/protocol/quorum.ts';
import { read } from '../../../functions/log/protocol/reader.ts';
import type { Hold } from '../../../functions/log/protocol/sequencer.ts';
import { MemoryReplica } from '../../support/log/memory-replica.ts';
import { MemorySeat } from '../../support/log/memory-seat.ts';
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts';
import { Process, type Weather, World } from '../log/world.ts';
import { MemoryGroup, type Written } from './memory-group.ts';

const group = 'orders';
const logNames = ['alpha', 'beta'];

/** A cut's outcome, read back from the bucket. */
export interface Taken {
  readonly cut: Readonly<Record<string, number>>;
  /** The next checkpoint id of each job in it. */
  readonly jobs: ReadonlyMap<string, number>;
}

/** Takes the cut of a backup as another design would; left out, as the product does. */
export type Variant = (parts: CuttingParts, name: { group: string; backupId: string }) => Promise<Taken | undefined>;

export interface Outcome {
  readonly seed: number;
  readonly cuts: number;
  readonly crashes: number;
  readonly facts: number;
  readonly violation?: string;
}

interface Log {
  readonly replicas: readonly MemoryReplica[];
  readonly seat: MemorySeat;
}

/** Something that a program has written; `after` counts what had been acknowledged when it was begun. */
interface Fact {
  readonly after: number;
  readonly in: (taken: Taken) => boolean;
}

const settings = {
  ...defaultSettings,
  answerMs: 450,
  electionGraceMs: 15,
  graceMs: 15,
  fillMs: 1_200,
  pauseMs: 20,
  lockMs: 1_000,
};

class Stage {
  readonly world: World;
  readonly jobs = new MemoryGroup();
  readonly logs = new Map<string, Log>();
  readonly objects = new Map<string, Uint8Array>();
  readonly facts: Fact[] = [];
  readonly acknowledged: Fact[] = [];
  readonly positions = new Map<string, number>();
  readonly taken: Taken[] = [];
  running: string | undefined;
  crashes = 0;
  storm = true;

  constructor(readonly dice: SeededRandom) {
    const weather: Weather = {
      loss: dice.pick([0, 0, 0.01]),
      duplication: dice.pick([0, 0.05]),
      slow: dice.pick([0.001, 0.005, 0.02]),
      crash: 0,
      stall: 0,
    };
    this.world = new World(dice, weather);
    for (const name of logNames) {
      const replicas = [1, 2, 3].map((number) => new MemoryReplica(`${name}-${number}`));
      for (const replica of replicas) found(replica);
      this.logs.set(name, { replicas, seat: new MemorySeat() });
    }
  }

  process(name: string): Process {
    return new Process(name, this.dice.integer(-200, 200));
  }

  /** The parts of a log as this process reaches them; `step` is called before each request. */
  partsOf(process: Process, log: string, step = () => {}): LogParts {
    const { replicas, seat } = this.logs.get(log) as Log;
    const call = <Answer>(deliver: () => Answer) => {
      step();
      return this.world.call(process, deliver);
    };
    return {
      replicas: replicas.map((replica) => {
        const methods = Object.entries(replica.handle).map(([name, act]) => [
          name,
          (...args: never[]) => call(() => (act as (...given: never[]) => unknown)(...args)),
        ]);
        return { id: replica.id, ...Object.fromEntries(methods) };
      }),
      majorities: [replicas.map((_, at) => at)],
      configuration: 1,
      seat: {
        read: () => call(() => seat.read()),
        held: () => call(() => seat.held()),
        replace: (...args) => call(() => seat.replace(...args)),
      },
      timer: this.world.timer(process),
      chance: this.world.chanceOf(),
      settings,
    };
  }
}

function found(replica: MemoryReplica): void {
  const incarnation = `first-${replica.id}`;
  replica.handle.create({ incarnation, view: `unused-${replica.id}` });
  replica.handle.transition({ incarnation, status: 'EMPTY' }, { status: 'STARTING' });
  replica.handle.transition({ incarnation, status: 'STARTING' }, { status: 'VOTING', view: `view-${replica.id}` });
}

/** Repeats a request until its answer comes. */
async function heard<Answer>(stage: Stage, process: Process, deliver: () => Answer): Promise<Answer> {
  for (let tries = 0; tries < 1_000; tries += 1) {
    try {
      return await stage.world.call(process, deliver);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
    }
  }
  throw new Error('no answer in 1,000 tries');
}

/** One writer for each log; each append waits for its turn. */
function writerOf(stage: Stage, log: string): (text: string) => Promise<void> {
  const process = stage.process(`writer of ${log}`);
  const parts = stage.partsOf(process, log);
  const memory: WriterMemory = { settlements: new Map() };
  let writerId = '';
  let turn: Promise<void> = Promise.resolve();
  const placed = async (text: string) => {
    const content = { type: 'APPEND', entries: [Buffer.from(text)] } as const;
    for (let tries = 0; tries < 1_000; tries += 1) {
      try {
        if (writerId === '') {
          const election = await elect(parts, 1);
          if ('elected' in election) writerId = election.elected.writerId;
          continue;
        }
        const answer = await append(parts, memory, { writerId, requestId: text, content });
        if ('first' in answer) return;
        if (!('stateLocked' in answer)) writerId = '';
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
      }
      await parts.timer.sleep(20);
    }
    throw new Error(`${text} could not be appended`);
  };
  return (text) => {
    turn = turn.then(() => placed(text));
    return turn;
  };
}

/** Appends, commits and submits, each after what it knows to be acknowledged. */
async function program(
  stage: Stage,
  name: string,
  {
    jobs,
    writers,
    pace,
  }: { jobs: string[]; writers: ReadonlyMap<string, (text: string) => Promise<void>>; pace: number },
): Promise<void> {
  const { dice, world } = stage;
  const process = stage.process(name);
  const { now, sleep } = world.timer(process);
  const written = async (fact: Fact, write: () => Written) => {
    stage.facts.push(fact);
    for (
      let answer = await heard(stage, process, write);
      answer !== 'written';
      answer = await heard(stage, process, write)
    ) {
      await sleep(dice.integer(20, 80));
    }
    stage.acknowledged.push(fact);
  };
  for (let turn = 0; stage.storm; turn += 1) {
    const after = stage.acknowledged.length;
    const id = `${name}-${turn}`;
    if (dice.chance(0.45)) {
      const log = dice.pick(logNames);
      const fact: Fact = { after, in: ({ cut }) => (stage.positions.get(id) ?? Infinity) <= (cut[log] ?? -1) };
      stage.facts.push(fact);
      await writers.get(log)?.(id);
      stage.acknowledged.push(fact);
    } else if (dice.chance(0.06)) {
      const jobId = `job-${id}`;
      await written({ after, in: (taken) => taken.jobs.has(jobId) }, () => stage.jobs.submit(group, jobId, now()));
      jobs.push(jobId);
    } else {
      const jobId = dice.pick(jobs);
      const payloadId = uuidOf(stage.facts.length);
      const isIn = (taken: Taken) =>
        (stage.jobs.commits.get(payloadId)?.checkpointId ?? Infinity) < (taken.jobs.get(jobId) ?? 0);
      await written({ after, in: isIn }, () => stage.jobs.commit(jobId, payloadId, now()));
    }
    if (dice.chance(0.5)) await sleep(dice.integer(0, pace));
  }
}

const uuidOf = (number: number) => `01934567-89ab-7cde-8f01-${String(number).padStart(12, '0')}`;

/** Everything that a cut works with, as a process reaches it that dies at its n-th request. */
function partsFor(stage: Stage, process: Process, fatal: number): CuttingParts {
  let requests = 0;
  const step = () => {
    requests += 1;
    if (requests === fatal) {
      process.dead = true;
      stage.crashes += 1;
    }
  };
  const call = <Answer>(deliver: () => Answer) => {
    step();
    return stage.world.call(process, deliver);
  };
  const { jobs, objects } = stage;
  const holdOf = (log: string) => stage.logs.get(log)?.seat as MemorySeat;
  const logs = {
    list: () => call(() => [...logNames]),
    open: async (_group, log) => stage.partsOf(process, log, step),
    hold: (_group, log, hold) =>
      call(() => {
        const seat = holdOf(log);
        if (seat.hold === undefined || seat.hold.backupId === hold.backupId) seat.hold = hold;
        return seat.hold as Hold;
      }),
    heldFrom: (_group, log, backupId) =>
      call(() => (holdOf(log).hold?.backupId === backupId ? holdOf(log).hold?.from : undefined)),
    release: (_group, log, backupId) =>
      call(() => {
        if (holdOf(log).hold?.backupId === backupId) holdOf(log).hold = undefined;
      }),
  } satisfies Partial<GroupLogs> as unknown as GroupLogs;
  const held = {
    hold: (_group, backupId) => call(() => jobs.hold(backupId)),
    heldBy: () => call(() => jobs.holder),
    holdJob: ({ jobId }, backupId) => call(() => jobs.holdJob(jobId, backupId)),
    releaseJob: ({ jobId }, backupId) => call(() => jobs.releaseJob(jobId, backupId)),
    listHeldJobs: (_group, backupId) => call(() => jobs.heldJobs(backupId)),
    listDeferred: () => call(() => ({ items: [] })),
    release: (_group, backupId) =>
      call(() => {
        if (jobs.holder === backupId) jobs.holder = undefined;
      }),
  } satisfies Partial<HeldDeletes> as unknown as HeldDeletes;
  const locks: StateLocks = {
    lockJob: ({ jobId }, lock) => call(() => void jobs.locks.set(jobId, lock)),
    unlockJob: ({ jobId }, lockId) =>
      call(() => {
        if (jobs.locks.get(jobId)?.lockId === lockId) jobs.locks.delete(jobId);
      }),
    lockSubmissions: (_group, lock) =>
      call(() => {
        jobs.submissions = lock;
      }),
    unlockSubmissions: (_group, lockId) =>
      call(() => {
        if (jobs.submissions?.lockId === lockId) jobs.submissions = undefined;
      }),
  };
  const bucket = {
    put: ({ key }: Place, bytes: Uint8Array) => call(() => void objects.set(key, bytes)),
    open: ({ key }: Place) => call(() => [objects.get(key)] as unknown as AsyncIterable<Uint8Array>),
  } satisfies Partial<ArchiveBucket> as unknown as ArchiveBucket;
  const chance = stage.world.chanceOf();
  return {
    logs,
    held,
    locks,
    bucket,
    bucketName: 'bucket',
    jobs: { list: (_group, after) => call(() => jobs.list(after)) },
    leases: { read: () => call(() => undefined), highestVersion: () => call(() => 1) },
    store: { running: () => call(() => stage.running) },
    payloads: { discard: async () => [] } as unknown as CuttingParts['payloads'],
    clock: stage.world.timer(process),
    lockMs: settings.lockMs,
    newId: () => chance.id(),
  };
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
            const placed = await cutting(parts).cut({ ...name, attempt: 1 });
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
      await cutting(parts)
        .release(group, name.backupId)
        .catch(() => undefined);
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
  const outcome = { seed, cuts: stage.taken.length, crashes: stage.crashes, facts: stage.facts.length };
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
  const sum = { runs: 0, cuts: 0, crashes: 0, facts: 0 };
  for (let seed = first; seed < first + runs; seed += 1) {
    const { violation, cuts, crashes, facts } = await play(seed, variant);
    sum.runs += 1;
    sum.cuts += cuts;
    sum.crashes += crashes;
    sum.facts += facts;
    if (violation) return { ...sum, seed, violation };
  }
  return sum;
}
