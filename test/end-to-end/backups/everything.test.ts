import { expect, test } from 'vitest';
import { newGroup } from '../leadership/tenure.ts';
import { startProgram } from './backups.ts';

test('a program that has closed what it used ends by itself, and its signals are its own', async ({
  onTestFinished,
}) => {
  const program = await startProgram({ onTestFinished }, 'everything-process', newGroup());
  await program.says('closed');
  const closedAt = performance.now();
  expect(await program.ended(), program.output()).toBe(0);
  expect(program.output()).toBe('closed true\n');
  // A held request or a timer of ours would last for 20 s and more.
  expect(performance.now() - closedAt).toBeLessThan(10_000);
});
