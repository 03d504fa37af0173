import * as fc from 'fast-check';
import { afterAll, beforeAll, inject, test } from 'vitest';
import { cleanUp } from '../../../../functions/jobs/clean-up/clean-up.ts';
import { collectPage } from '../../../../functions/jobs/clean-up/collector.ts';
import { releaseDeletes } from '../../../../functions/jobs/payloads/held-deletes.ts';
import { sizes } from '../../../sizes.ts';
import { type JobWorld, openJobWorld, submit } from '../../../support/job-world.ts';
import { commands, jobIds, observe } from './commands.ts';
import { checkNothingLeft, checkState } from './invariants.ts';
import { Stage } from './stage.ts';

let world: JobWorld;
let groups = 0;

beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
});
afterAll(() => world.close());

/** A group with one leader and its two jobs. */
async function open(): Promise<Stage> {
  groups += 1;
  const stage = new Stage(world, `model-${groups}`, world.process());
  await stage.elect();
  for (const jobId of jobIds) await submit(stage.observer, stage.fence(0), stage.path(jobId), { retain: 2 });
  return stage;
}

/** Nobody writes any more; what is owed is done. */
async function settle(stage: Stage): Promise<void> {
  const { room } = stage.observer;
  stage.recorded.clear();
  if (stage.held !== undefined) await releaseDeletes(room, stage.group, stage.held);
  await cleanUp(room, () => Number.POSITIVE_INFINITY);
  await collectPage(room, { group: stage.group, dryRun: false });
}

test(
  'the invariants hold under crashes between any two steps, lost answers, two leaders and concurrent commits',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 30, size: '+1' }), async (sequence) => {
        const stage = await open();
        await fc.asyncModelRun(() => ({ model: {}, real: stage }), sequence);
        await settle(stage);
        const observed = await observe(stage);
        await checkState(stage, observed);
        await checkNothingLeft(stage, observed);
      }),
      { numRuns: sizes.jobs.modelRuns, endOnFailure: true },
    );
  },
  60_000 + sizes.jobs.modelRuns * 10_000,
);
