import type { Fence } from '../../../api/fence.ts';
import { cleanUp } from '../../../functions/jobs/clean-up/clean-up.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import { follow } from '../../../log/protocol/inspect.ts';
import { positions, read } from '../../../log/protocol/reader.ts';
import type { LearnedAction } from '../../../log/protocol/replica.ts';
import { initialise, type MemoryLogs, memoryWriter } from '../../support/backups/memory-logs.ts';
import { checkpoint, type JobWorld, type Process, submit, uploadBytes } from '../../support/job-world.ts';
import type { SeededRandom } from '../../support/seeded-random.ts';

export const logNames = ['alpha', 'beta'];

/** Random writes of leaders to a group: each call is one write. */
export async function randomGroup(
  world: JobWorld,
  process: Process,
  logs: MemoryLogs,
  group: string,
  random: SeededRandom,
) {
  const fence: Fence = await world.lead(group, 3_600_000);
  const jobs: string[] = [];
  const writers = new Map<string, ReturnType<typeof memoryWriter>>();
  for (const log of logNames) {
    await initialise(logs, group, log);
    writers.set(log, memoryWriter(logs.of(group, log), fence.fencingVersion));
  }
  const path = (job: string) => `/groups/${group}/jobs/${job}`;
  const check = ({ status, body }: { status: number; body: unknown }, ...allowed: number[]) => {
    if (!allowed.includes(status)) throw new Error(`${status} ${JSON.stringify(body)}`);
  };

  const acts = {
    async submit() {
      const job = `job-${jobs.length}`;
      const metadata = random.chance(0.5) ? { metadata: { made: random.integer(0, 99) } } : {};
      check(await submit(process, fence, path(job), { retain: random.integer(1, 3), ...metadata }), 201);
      jobs.push(job);
    },
    async checkpoint() {
      if (jobs.length === 0) return;
      const kind = random.chance(0.2) ? 'savepoint' : 'checkpoint';
      const bytes = `state ${random.integer(0, 10 ** 9)} `.repeat(random.integer(1, 200));
      check(await checkpoint(process, fence, path(random.pick(jobs)), bytes, { kind }), 201, 409);
    },
    async replace() {
      if (jobs.length === 0) return;
      const job = path(random.pick(jobs));
      const uploadId = await uploadBytes(process, fence, job, `graph ${random.integer(0, 10 ** 9)}`, 'graph');
      check(await process.call('PUT', job, { graph: { uploadId } }, fence), 201, 409);
    },
    async finish() {
      if (jobs.length === 0) return;
      const result = random.pick(['succeeded', 'failed']);
      check(await process.call('POST', `${path(random.pick(jobs))}/finish`, { result }, fence), 200, 409);
    },
    async cleanUp() {
      await cleanUp(process.room, () => 60_000);
    },
    async append() {
      const entries = Array.from({ length: random.integer(1, 5) }, () => `entry ${random.integer(0, 10 ** 9)}`);
      await writers.get(random.pick(logNames))?.append(...entries);
    },
    async truncate() {
      const log = random.pick(logNames);
      const { begin, end } = await positions(await logs.open(group, log));
      await writers.get(log)?.truncate(random.integer(begin, Math.max(begin, end - 1)));
    },
  };
  type Act = keyof typeof acts;
  const often: Act[] = ['submit', 'checkpoint', 'checkpoint', 'checkpoint', 'append', 'append', 'append'];
  const seldom: Act[] = ['replace', 'finish', 'cleanUp', 'truncate'];

  return {
    fence,
    step: () => acts[random.chance(0.8) ? random.pick(often) : random.pick(seldom)](),
  };
}

/** A log as its readers see it. */
export interface LogState {
  readonly begin: number;
  readonly end: number;
  readonly entries: readonly (readonly [position: number, data: string])[];
}

const text = (data: Uint8Array) => Buffer.from(data).toString();

/** The log when `end` was its last position, computed from its replicas' content. */
export async function logAt(logs: MemoryLogs, group: string, log: string, end: number): Promise<LogState> {
  const values: LearnedAction[] = [];
  await follow<{ open: number }>(await logs.open(group, log), {
    from: 0,
    to: end,
    fromSlot: false,
    open: async (position) => ({ open: position }),
    pass: (slot) => void values.push(slot),
  });
  const begin = Math.max(0, ...values.map(({ value }) => (value.type === 'TRUNCATE' ? value.to : 0)));
  const entries = values.flatMap(({ position, value }) =>
    value.type === 'APPEND' ? value.entries.map((data, at) => [position + at, text(data)] as const) : [],
  );
  return { begin, end, entries: entries.filter(([position]) => position >= begin) };
}

export async function logNow(logs: MemoryLogs, group: string, log: string): Promise<LogState> {
  const parts = await logs.open(group, log);
  const { begin, end } = await positions(parts);
  const page = await read(parts, { from: begin, to: end, limit: 100_000, maxBytes: 2 ** 30 });
  if (!('items' in page)) throw new Error(JSON.stringify(page));
  return { begin, end, entries: page.items.map(({ position, data }) => [position, text(data)] as const) };
}

/** A job without what says where it lies: its group, the hold on it, and the kind of checksum that S3 keeps. */
export function bare({ group: _group, heldBy: _heldBy, revision: _revision, asked: _asked, ...job }: Job) {
  const plain = <Ref>(ref: Ref) => ({ ...ref, composite: undefined });
  return {
    ...job,
    graph: job.graph && plain(job.graph),
    checkpoints: job.checkpoints.map(plain),
    savepoints: job.savepoints.map(plain),
  };
}
