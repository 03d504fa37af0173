import { expect, test } from 'vitest';
import { systemTimer } from '../../../log/protocol/quorum.ts';

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

test('a sleep keeps the process alive, which Lambda would end otherwise; a limit on requests in flight does not', async () => {
  const before = timers();
  const limit = systemTimer.limit(5);
  expect(timers()).toBe(before);
  const sleep = systemTimer.sleep(5);
  expect(timers()).toBe(before + 1);
  await Promise.all([limit, sleep]);
});
