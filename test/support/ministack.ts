import type { TestProject } from 'vitest/node';
import { startMiniStack } from '../ministack/server.ts';

/** One MiniStack for the contract tests of `npm run test:emulator`: every file makes its own tables in it. */
export default async function setup(project: TestProject) {
  const { endpoint, stop } = await startMiniStack();
  project.provide('dynamodb', endpoint);
  project.provide('store', 'MiniStack');
  return stop;
}
