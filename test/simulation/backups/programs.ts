/** The writers of the group: one for each log, and programs that append, commit and submit. */
import { append } from '../../../log/protocol/append.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import type { WriterMemory } from '../../../log/protocol/placement.ts';
import { UnreachableError } from '../../../log/protocol/quorum.ts';
import type { Process } from '../log/world.ts';
import type { Written } from './memory-group.ts';
import { type Fact, group, logNames, type Stage, type Taken } from './stage.ts';

/** Repeats a request until its answer comes. */
async function receive<Answer>(stage: Stage, process: Process, deliver: () => Answer): Promise<Answer> {
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
export function writerOf(stage: Stage, log: string): (text: string) => Promise<void> {
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
export async function program(
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
      let answer = await receive(stage, process, write);
      answer !== 'written';
      answer = await receive(stage, process, write)
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

export const uuidOf = (number: number) => `01934567-89ab-7cde-8f01-${String(number).padStart(12, '0')}`;
