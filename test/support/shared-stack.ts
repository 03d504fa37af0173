import type { TestProject } from 'vitest/node';
import { type StackDescription, startStack } from './stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** One stack that all end-to-end tests share: use groups of your own, and start another one to kill it. */
    stack: StackDescription;
  }
}

export default async function setup(project: TestProject) {
  const stack = await startStack();
  project.provide('stack', JSON.parse(JSON.stringify(stack)) as StackDescription);
  return () => stack.stop();
}
