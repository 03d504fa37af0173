/**
 * Counts the words of files, and never starts again from the beginning: run it below `tenure lead`, kill whatever you
 * like, start another.
 *
 *   tenure lead --group words --stay -- npx tsx examples/word-count/word-count.ts [--slowly] FILE…
 *
 * Each file is a job. The leader recovers the jobs, continues where the last committed checkpoint ends, and commits a
 * checkpoint after every stretch. Words that a deposed leader has counted and not committed are lost with it, so no
 * word counts twice.
 */
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  hasCode,
  JobRegistry,
  LeadershipLostError,
  type RecoveredJob,
  TenureClient,
  termFromEnvironment,
} from '../../client/index.ts';
import { beginning, countOn, type State } from './counting.ts';

const { values, positionals: files } = parseArgs({ options: { slowly: { type: 'boolean' } }, allowPositionals: true });
/** Slowly, there is time to watch, and to kill. */
const [stretch, pauseMs] = values.slowly
  ? [32 * 1024, 500]
  : [Number(process.env['WORD_COUNT_STRETCH'] ?? 1024 ** 2), 0];

const term = termFromEnvironment();
const client = new TenureClient();
const registry = new JobRegistry({ client, term });
const say = (text: string) => console.log(`term ${term.fencingVersion}: ${text}`);

/** Claims every job of the group, before any of them is worked on. */
async function recoverJobs(): Promise<RecoveredJob[]> {
  const jobs: RecoveredJob[] = [];
  for await (const job of registry.recover()) jobs.push(job);
  return jobs;
}

async function submitNewJobs(): Promise<void> {
  for (const file of files) {
    const known = await registry.show(basename(file)).catch((error: unknown) => {
      if (hasCode(error, 'not_found')) return undefined;
      throw error;
    });
    if (known) continue;
    await registry.submit(basename(file), JSON.stringify({ file }), { retain: 2 });
    say(`submitted ${basename(file)}`);
  }
}

async function work(job: RecoveredJob): Promise<void> {
  const { file } = JSON.parse(Buffer.from(await job.readGraph()).toString()) as { file: string };
  const saved = await job.readCheckpoint();
  let state: State = saved ? JSON.parse(Buffer.from(saved).toString()) : beginning;
  say(`continues with ${job.jobId} at byte ${state.offset}`);
  for (let next = await countOn(file, state, stretch); next; next = await countOn(file, state, stretch)) {
    const metadata = { from: state.offset, to: next.offset, term: term.fencingVersion };
    const { checkpointId } = await job.checkpoints.add(JSON.stringify(next), { metadata });
    say(`committed ${job.jobId} ${checkpointId} from ${state.offset} to ${next.offset}`);
    state = next;
    await pause(pauseMs);
  }
  const { checkpointId } = await job.checkpoints.addSavepoint(JSON.stringify(state.counts));
  const words = Object.values(state.counts).reduce((sum, count) => sum + count, 0);
  say(`finishes ${job.jobId}`);
  await registry.finish(job.jobId, 'succeeded', {
    detail: `${words} words, all counts in savepoint ${checkpointId}`,
  });
  say(`finished ${job.jobId}: ${words} words`);
}

try {
  await submitNewJobs();
  await Promise.all((await recoverJobs()).map(work));
} catch (error) {
  if (!(error instanceof LeadershipLostError)) throw error;
  say(`lost the lead: ${error.message}`);
  process.exitCode = 75;
}
