import type { App } from 'aws-cdk-lib';
import type { Settings } from './settings.ts';
import { TenureStack } from './tenure-stack.ts';

/** One stack for a stage; what it needs in other Regions it adds by itself. */
export function createStacks(app: App, settings: Settings): TenureStack {
  return new TenureStack(app, `tenure-${settings.stage}`, settings);
}
