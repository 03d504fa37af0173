import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { showJob } from '../../../api/operations/jobs.ts';
import { CheckpointStore, download, type Job } from '../../../client/index.ts';
import { beginning, countOn } from '../../../examples/word-count/counting.ts';
import { generateText } from '../../../examples/word-count/text.ts';
import { sizes } from '../../sizes.ts';
import { family, type Watched, watch } from '../../support/processes.ts';
import { project } from '../../support/stack.ts';
import { client, end, eventually, folder, newGroup, signal } from '../leadership/tenure.ts';

const stretch = 32 * 1024;
const commitsPerKill = 25;
/** A contender is two processes to start, on a machine that may be busy with others. */
const patienceMs = 240_000;

/** `tenure lead … -- word-count FILES`, one process per contender, as a user starts them. */
class Contenders {
  readonly all: Watched[] = [];
  kills = 0;
  readonly #group: string;
  readonly #files: readonly string[];

  constructor(group: string, files: readonly string[]) {
    this.#group = group;
    this.#files = files;
    for (let more = 0; more < 2; more += 1) this.start();
  }

  start(): void {
    const app = ['node', '--import', 'tsx', 'examples/word-count/word-count.ts', ...this.#files];
    // Killed leaders give it back; who waits looks often.
    const lease = ['--lease', '60s', '--hand-over-poll', '300ms'];
    const lead = ['cli/tenure.mjs', 'lead', '--group', this.#group, ...lease, '--stay', '--', ...app];
    const env = { ...process.env, TENURE_URL: inject('stack').api, WORD_COUNT_STRETCH: String(stretch) };
    const watched = watch(process.execPath, lead, { cwd: project, env });
    onTestFinished(() => end(watched));
    this.all.push(watched);
  }

  output(): string {
    return this.all.map((one) => one.output()).join('\n');
  }

  /** Waits for a line of the application, from any of its processes. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return eventually(`${pattern}`, () => pattern.exec(this.output()) ?? undefined, patienceMs);
  }

  commits(): number {
    return this.output().match(/: committed /g)?.length ?? 0;
  }

  /** SIGKILL for the contender that runs the application: for it alone, for the application alone, or for both. */
  async killLeader(whom: 'contender' | 'application' | 'both'): Promise<void> {
    const runs = (one: Watched) =>
      one.child.exitCode === null && one.child.signalCode === null && applicationOf(one) !== undefined;
    const leader = await eventually('a contender runs the application', () => this.all.find(runs), patienceMs);
    const application = applicationOf(leader);
    if (whom !== 'contender' && application) signal(application, 'SIGKILL');
    if (whom !== 'application') leader.child.kill('SIGKILL');
    this.kills += 1;
    // A lead whose application ended resigns and exits with its code; the test starts another.
    await leader.ended();
    this.start();
  }
}

/** The process that counts, below the guard of `tenure lead`. */
function applicationOf({ child }: Watched): number | undefined {
  const below = family(child.pid).filter((pid) => pid !== child.pid);
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  const counting = lines.filter((line) => /--import tsx examples\/word-count/.test(line) && !/tenure\.mjs/.test(line));
  return below.find((pid) => counting.some((line) => Number.parseInt(line, 10) === pid));
}

const ways = ['contender', 'application', 'both'] as const;
const random = (most: number) => Math.floor(Math.random() * most);

/** Kills the leader after some more commits, a moment later, so often. */
async function killAtRandom(contenders: Contenders, times: number): Promise<void> {
  const until = contenders.kills + times;
  while (contenders.kills < until) {
    const from = contenders.commits();
    const wanted = from + 1 + random(commitsPerKill - 5);
    await eventually(`${wanted} commits`, () => contenders.commits() >= wanted, patienceMs);
    await new Promise((resolve) => setTimeout(resolve, random(150)));
    await contenders.killLeader(ways[random(ways.length)] ?? 'both');
  }
}

async function countedAtOnce(file: string): Promise<Record<string, number>> {
  let state = beginning;
  for (let next = await countOn(file, state, 1024 ** 2); next; next = await countOn(file, state, 1024 ** 2))
    state = next;
  return state.counts;
}

/** The count of the interrupted run: the savepoint that the result names. */
async function countedInTheEnd(group: string, file: string): Promise<Record<string, number>> {
  const job: Job = await eventually(`${basename(file)} has finished`, async () => {
    const shown = await client().call(showJob, { params: { group, job: basename(file) } });
    return shown.state === 'ACTIVE' ? undefined : shown;
  });
  expect(job.result).toBe('succeeded');
  const savepoint = Number(/savepoint (\d+)/.exec(job.detail ?? '')?.[1]);
  const term = { group, fencingVersion: 0, sessionId: '', signal: new AbortController().signal, end() {} };
  const checkpoint = await new CheckpointStore({ client: client(), term, jobId: job.jobId }).get(savepoint);
  const pieces: Uint8Array[] = [];
  for await (const piece of download(checkpoint)) pieces.push(piece);
  return JSON.parse(Buffer.concat(pieces).toString());
}

interface Commit {
  readonly term: number;
  readonly id: number;
  readonly from: number;
  readonly to: number;
}

/** Every commit that a leader was told of went on exactly where the one before ended, in a term that only rises. */
function checkCommits(output: string, job: string, bytes: number): void {
  const pattern = new RegExp(`term (\\d+): committed ${job} (\\d+) from (\\d+) to (\\d+)`, 'g');
  const commits = [...output.matchAll(pattern)]
    .map(
      ([, term, id, from, to]): Commit => ({ term: Number(term), id: Number(id), from: Number(from), to: Number(to) }),
    )
    .sort((one, other) => one.id - other.id);
  expect(commits.length).toBeGreaterThan(0);
  for (const [at, commit] of commits.entries()) {
    const before = commits[at - 1] ?? { term: 0, id: 0, from: 0, to: 0 };
    expect(commit.id, `ids of ${job}`).toBeGreaterThan(before.id);
    expect(commit.term, `a stale fence at checkpoint ${commit.id} of ${job}`).toBeGreaterThanOrEqual(before.term);
    if (commit.id === before.id + 1) expect(commit.from, `checkpoint ${commit.id} of ${job}`).toBe(before.to);
    else expect(commit.from).toBeGreaterThanOrEqual(before.to);
  }
  expect(commits.at(-1)?.to).toBeLessThanOrEqual(bytes);
}

async function text(name: string, kills: number, seed: number): Promise<string> {
  const path = join(folder(), name);
  await generateText(path, kills * commitsPerKill * stretch, seed);
  return path;
}

const timeout = patienceMs + sizes.jobs.kills * 60_000;

test(`one job, its leader killed ${sizes.jobs.kills} times: the same counts as without`, { timeout }, async () => {
  const group = newGroup();
  const file = await text('words', sizes.jobs.kills, 1);
  const contenders = new Contenders(group, [file]);
  await killAtRandom(contenders, sizes.jobs.kills);
  await contenders.says(/: finished words: \d+ words/);
  expect(await countedInTheEnd(group, file)).toEqual(await countedAtOnce(file));
  checkCommits(contenders.output(), 'words', statSync(file).size);
});

test(`three jobs, one of which finishes while its leader is replaced`, { timeout }, async () => {
  const group = newGroup();
  const files = [
    await text('long', sizes.jobs.kills, 2),
    await text('longer', sizes.jobs.kills + 1, 3),
    await text('short', 1, 4),
  ];
  const contenders = new Contenders(group, files);
  await contenders.says(/: finishes short/);
  await contenders.killLeader('both');
  await killAtRandom(contenders, sizes.jobs.kills - 1);
  await contenders.says(/: finished longer: \d+ words/);
  for (const file of files) {
    expect(await countedInTheEnd(group, file), file).toEqual(await countedAtOnce(file));
    checkCommits(contenders.output(), basename(file), statSync(file).size);
  }
});
