import type { App } from 'aws-cdk-lib';
import { ReplicaStack, remoteReplicas } from './replicas.ts';
import type { Settings } from './settings.ts';
import { TenureStack } from './tenure-stack.ts';

/** One stack for a stage, and one more for each replica of the logs that lies in another Region. */
export function createStacks(app: App, settings: Settings): TenureStack {
  const stack = new TenureStack(app, `tenure-${settings.stage}`, settings);
  for (const replica of remoteReplicas(settings)) stack.addStackDependency(new ReplicaStack(app, replica, settings));
  return stack;
}
