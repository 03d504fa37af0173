import type { TestProject } from 'vitest/node';
import { backupTimes } from './backups/times.ts';
import { refusals, type StackDescription, startStack } from './stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** One stack that all end-to-end tests share: use groups of your own, and start another one to kill it. */
    stack: StackDescription;
  }
}

/**
 * The functions of the shared stack may do what their roles in the template allow; a call that they do not fails the
 * run. With TENURE_TEST_LIKE_AWS=SEED it behaves as AWS does on a bad day. A setting in the environment of the run
 * takes the place of the one here.
 */
export default async function setup(project: TestProject) {
  const seed = process.env['TENURE_TEST_LIKE_AWS'];
  const env = {
    TENURE_ANSWER_TIMEOUT_MS: process.env['TENURE_ANSWER_TIMEOUT_MS'] ?? String(backupTimes.answerMs),
    TENURE_SUSPEND_TIMEOUT_MS: process.env['TENURE_SUSPEND_TIMEOUT_MS'] ?? String(backupTimes.suspendMs),
    TENURE_ABANDON_TIMEOUT_MS: process.env['TENURE_ABANDON_TIMEOUT_MS'] ?? String(backupTimes.abandonMs),
  };
  const stack = await startStack({ env, enforceRoles: true, likeAws: seed ? Number(seed) : undefined });
  project.provide('stack', JSON.parse(JSON.stringify(stack)) as StackDescription);
  return async () => {
    const denied = await refusals(stack);
    await stack.stop();
    if (denied.length === 0) return;
    console.error(`In AWS these would be denied:\n${denied.join('\n')}`);
    process.exitCode = 1;
  };
}
