import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { contend, type GrantedTerm } from '../../../leadership/contend.ts';
import { sweep } from '../../../leadership/history.ts';
import { resign } from '../../../leadership/leadership.ts';
import { sizes } from '../../sizes.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { deeds, groups } from './model-commands.ts';
import { dynamoWorld, maxClockSkewMs, memoryWorld, outcomeOf } from './model-world.ts';

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

test('a term that was never confirmed expires by one update, which is no transaction that could end halfway', async () => {
  clock.time = 1_800_000_000_000;
  const outcomes = [];
  for (const world of [memoryWorld(clock, groups), await dynamoWorld(inject('dynamodb'), clock)]) {
    const contended = (id: string) => contend(world.room, 'orders', { contenderId: 'a', leaseMs: 10_000 }, id);
    const { fencingVersion, sessionId } = (await contended('request-0')) as GrantedTerm;
    await resign(world.room, 'orders', { fencingVersion, sessionId }, {}, 'request-2');
    await contended('request-1');
    clock.time += 30_000;
    world.plan({ fault: 'crash after', of: 'transaction' });
    outcomes.push(await outcomeOf(world, () => sweep(world.room.store, clock, maxClockSkewMs)));
    clock.time -= 30_000;
  }
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[0]).toMatchObject({ answer: { expired: 1 } });
});
