/** A Task state's action, read from its Resource. */
export interface Resource {
  kind: 'invoke' | 'start';
  /** As the history names it: `lambda` and `invoke.waitForTaskToken`. */
  type: string;
  action: string;
  /** A callback with the task token ends the task, not the invocation's answer. */
  callback: boolean;
  /** The task ends with the execution that it starts. */
  sync: boolean;
}

const integrations: Record<string, Pick<Resource, 'kind' | 'callback' | 'sync'>> = {
  'lambda:invoke': { kind: 'invoke', callback: false, sync: false },
  'lambda:invoke.waitForTaskToken': { kind: 'invoke', callback: true, sync: false },
  'states:startExecution': { kind: 'start', callback: false, sync: false },
  'states:startExecution.sync:2': { kind: 'start', callback: false, sync: true },
  'aws-sdk:sfn:startExecution': { kind: 'start', callback: false, sync: false },
};

export const supportedResources = Object.keys(integrations).map((name) => `arn:aws:states:::${name}`);

/** The argument without which the task cannot be. */
export function parameterOf({ kind }: Resource): string {
  return kind === 'invoke' ? 'FunctionName' : 'StateMachineArn';
}

const integrationArn = /^arn:(?:aws[a-z-]*|\$\{AWS::Partition\}):states:[^:]*:[^:]*:(.+)$/;

/** Returns undefined for a resource that the local server does not run. */
export function resourceOf(arn: string): Resource | undefined {
  const name = integrationArn.exec(arn)?.[1] ?? '';
  const integration = Object.hasOwn(integrations, name) ? integrations[name] : undefined;
  if (!integration) return undefined;
  const split = name.indexOf(':', name.startsWith('aws-sdk:') ? 'aws-sdk:'.length : 0);
  return { ...integration, type: name.slice(0, split), action: name.slice(split + 1) };
}
