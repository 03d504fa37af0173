import type { TestProject } from 'vitest/node';
import { startGuardedStack } from './permissions/guarded-stack.ts';
import type { StackDescription } from './stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** One stack that all end-to-end tests share: use groups of your own, and start another one to kill it. */
    stack: StackDescription;
  }
}

/** The functions of the shared stack may do what their roles in the template allow; whatever else they tried fails the run. */
export default async function setup(project: TestProject) {
  const { stack, guard, stop } = await startGuardedStack();
  project.provide('stack', JSON.parse(JSON.stringify(stack)) as StackDescription);
  return async () => {
    await stop();
    if (guard.refusals.size === 0) return;
    console.error(`In AWS these would be denied:\n${[...guard.refusals].join('\n')}`);
    process.exitCode = 1;
  };
}
