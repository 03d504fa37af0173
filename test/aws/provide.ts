import type { TestProject } from 'vitest/node';
import type { StackDescription } from '../support/stack.ts';

export interface DeployedStage {
  readonly name: 'AWS' | 'MiniStack';
  readonly region: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Asks for a signature. */
  readonly api: string;
  /** Signs, and passes on to the API. */
  readonly proxy: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    stage: DeployedStage;
  }
}

/** The stage that `npm run test:aws` has deployed. Of the embedded stack's description there is only the address. */
export default function setup(project: TestProject) {
  const described = process.env['TENURE_TEST_STAGE'];
  if (!described) throw new Error('These tests need a deployed stage: npm run test:aws');
  const stage = JSON.parse(described) as DeployedStage;
  project.provide('stage', stage);
  project.provide('stack', { api: stage.proxy } as StackDescription);
}
