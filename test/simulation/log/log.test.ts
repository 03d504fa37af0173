import { expect, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import { play, playMany } from './scenario.ts';

const { simulatedRuns, exclusiveRuns } = sizes.log;

test('I1 to I11 hold through storms, and everything acknowledged can be read when the weather is calm again', async () => {
  const sum = await playMany(1, simulatedRuns);
  expect(sum).not.toHaveProperty('violation');
  expect(sum.elections).toBeGreaterThan(5 * simulatedRuns);
  expect(sum.acknowledged).toBeGreaterThan(5 * simulatedRuns);
  expect(sum.wipes).toBeGreaterThan(2 * simulatedRuns);
});

test('the same holds while writers hand out positions in their own processes, next to others', async () => {
  const sum = await playMany(200, exclusiveRuns, { exclusive: true });
  expect(sum).not.toHaveProperty('violation');
  expect(sum.elections).toBeGreaterThan(5 * exclusiveRuns);
  expect(sum.acknowledged).toBeGreaterThan(4 * exclusiveRuns);
});

test('the same seed gives the same run', async () => {
  expect(await play(11)).toEqual(await play(11));
});
