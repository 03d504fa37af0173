import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { deeds, groups } from './model-commands.ts';
import { dynamoWorld, memoryWorld } from './model-world.ts';

const clock = movedClock();

const title = 'DynamoDB answers and keeps what the store in memory does, whatever is asked, lost, repeated or damaged';

test(title, { timeout: 3_600_000 }, async () => {
  let sessions = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands(deeds(clock), { maxCommands: 60, size: '+1' }), async (commands) => {
      clock.time = 1_800_000_000_000;
      const [model, real] = [memoryWorld(clock, groups), await dynamoWorld(inject('dynamodb'), clock)];
      await fc.asyncModelRun(() => ({ model, real }), commands);
      sessions += real.sessions.size;
    }),
    { numRuns: sizes.leadership.modelRuns, verbose: 1 },
  );
  expect(sessions).toBeGreaterThan(sizes.leadership.modelRuns);
});
