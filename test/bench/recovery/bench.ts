import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { JobRegistry, termFromEnvironment } from '../../../client/index.ts';
import { startDynamoDbLocal } from '../../../emulator/dynamodb/dynamodb.ts';
import { type JobWorld, openJobWorld } from '../../support/job-world.ts';
import { jobNames, leaveJob } from '../../support/left-job.ts';
import { atMost, type Bench, type Row } from '../bench.ts';
import { quietly } from '../quietly.ts';
import { interleaved, median } from '../samples.ts';

const crowds = [100, 1_000, 10_000];
const rounds = 3;

export const bench: Bench = {
  name: 'recovery',
  sentence:
    'A new leader recovers the jobs that the one before has left, in pages, each claimed and with its URLs signed, through the client and the handlers without a network between. It must be linear: theirs is the time per job of 100 jobs.',
  async run(say) {
    const dynamodb = await startDynamoDbLocal();
    const world = await openJobWorld(dynamodb.endpoint);
    try {
      const { payloads } = world.process().room;
      for (const count of crowds) {
        await mapConcurrent(jobNames(count), 16, (job) => leaveJob(world, payloads, groupOf(count), job));
        say(`${count} jobs left behind`);
      }
      const variants = Object.fromEntries(crowds.map((count) => [count, () => recover(world, count)]));
      const tookMs = await interleaved({ rounds, warmUp: 1 }, variants);
      const perJob = (count: number) => median(tookMs[count] as number[]) / count;
      const [few = 0] = crowds;
      const rows = crowds.map((count): Row => {
        const ratio = perJob(count) / perJob(few);
        const ours = `${(perJob(count) * count).toFixed(0)} ms, ${perJob(count).toFixed(2)} ms a job, ${(1_000 / perJob(count)).toFixed(0)} jobs a second`;
        const linear = count === few ? {} : { ratio, aim: atMost(1.15, ratio) };
        return { what: `${count} jobs`, ours, theirs: `${perJob(few).toFixed(2)} ms a job`, ...linear };
      });
      return { rows };
    } finally {
      await world.close();
      await dynamodb.stop();
    }
  },
};

const groupOf = (count: number) => `left-${count}`;

/** Recovers them all in a new term. @throws Error when not all are found. */
async function recover(world: JobWorld, count: number): Promise<number> {
  const group = groupOf(count);
  const { fencingVersion, sessionId } = await world.lead(group, 3_600_000);
  const term = termFromEnvironment({
    TENURE_GROUP: group,
    TENURE_FENCING_VERSION: String(fencingVersion),
    TENURE_SESSION_ID: sessionId,
  });
  const registry = new JobRegistry({ client: world.process().client(), term });
  const startedAt = performance.now();
  let found = 0;
  await quietly(async () => {
    for await (const _ of registry.recover()) found += 1;
  });
  const tookMs = performance.now() - startedAt;
  if (found !== count) throw new Error(`${found} of ${count} jobs were recovered`);
  return tookMs;
}
