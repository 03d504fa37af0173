import { expect, test, vi } from 'vitest';
import * as z from 'zod/mini';
import { logger } from '../../../functions/platform/logging.ts';
import { taskHandler, tasks } from '../../../functions/platform/task.ts';

logger.setLogLevel('SILENT');
const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 5_000 };
const task = tasks({ named: () => ({}) });
const handler = taskHandler({
  double: task(z.object({ number: z.int() }), async ({ number }, remainingMs) => [number * 2, remainingMs()]),
  fail: task(z.object({}), () =>
    Promise.reject(Object.assign(new Error('slow down'), { name: 'ThrottlingException' })),
  ),
});

test('an event names one of the tasks of a function, next to its input', async () => {
  expect(await handler({ task: 'double', number: 21 }, context)).toEqual([42, 5_000]);
  await expect(handler({ task: 'double', number: 'x' }, context)).rejects.toThrow();
});

test('a task that is none of them is refused by name, an inherited name too', () => {
  for (const task of ['triple', 'toString'])
    expect(() => handler({ task }, context)).toThrow(`No task "${task}" in this function; its tasks are double, fail`);
  expect(() => handler({ number: 1 }, context)).toThrow();
});

test('a store that is throttled is worth another try, which a metric says', async () => {
  const written: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
  await expect(handler({ task: 'fail' }, context)).rejects.toMatchObject({ name: 'UnavailableError' });
  write.mockRestore();
  expect(written.filter((line) => line.includes('"TasksPutOff":1'))).toHaveLength(1);
});
