import { join } from 'node:path';
import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Deployment } from '../cloudformation/assembly/deployment.ts';
import type { Resource } from '../cloudformation/assembly/read.ts';
import { lineWriter } from '../files.ts';
import type { PermissionGuard } from '../iam/guard.ts';
import { needsOfTarget } from '../iam/needs.ts';
import { type AsynchronousInvoker, type AsynchronousRules, asynchronousInvoker } from '../lambda/asynchronous.ts';
import type { FunctionHost } from '../lambda/host.ts';
import { type EventBuses, eventBuses } from './events.ts';

/** Where schedules, rules, streams and failed invocations send things to, by ARN. */
export interface Targets {
  /**
   * Sends and comes back at once; what goes wrong is reported, not thrown. `sender` is the function or schedule whose
   * role has to allow it; a rule has none, its targets name it in policies of their own.
   */
  send(arn: string, input: string, sender?: string): void;
  asynchronous: AsynchronousInvoker;
  buses: EventBuses;
  queues: Queues;
}

export interface Queues {
  /** Appends a message to the file of the queue with this URL or ARN; undefined when the template has none. */
  send(urlOrArn: string, body: string): Promise<{ messageId: string } | undefined>;
}

interface InvokeConfiguration {
  FunctionName: string;
  MaximumRetryAttempts?: number;
  DestinationConfig?: { OnFailure?: { Destination?: string }; OnSuccess?: { Destination?: string } };
}

export interface TargetSurroundings {
  functions: FunctionHost;
  stepFunctions: SFNClient;
  folder: string;
  /** Holds senders to their roles. */
  permissions: PermissionGuard | undefined;
  report(line: string): void;
}

export function targetsOf(deployment: Deployment, at: TargetSurroundings): Targets {
  const queues = queuesOf(deployment, at.folder);
  const asynchronous = asynchronousInvoker(at.functions, asynchronousRules(deployment), send, at.report);
  const buses = eventBuses(deployment, join(at.folder, 'events.ndjson'), send);

  function send(arn: string, input: string, sender?: string): void {
    deliver(arn, input, sender).catch((cause: unknown) => at.report(`target    ${arn}: ${String(cause)}`));
  }

  async function deliver(arn: string, input: string, sender: string | undefined): Promise<void> {
    if (sender !== undefined) at.permissions?.require(sender, needsOfTarget(arn, input));
    if (arn.includes(':lambda:')) return asynchronous.invoke(arn, input);
    if (arn.includes(':stateMachine:')) return start({ StateMachineArn: arn, Input: input });
    if (arn.endsWith(':aws-sdk:sfn:startExecution')) return start(JSON.parse(input) as StartInput);
    if (arn.includes(':sqs:') && (await queues.send(arn, input))) return;
    // The file of the events has them all already.
    if (arn.includes(':log-group:')) return;
    if (arn.includes(':event-bus/')) return buses.put(JSON.parse(input) as object, arn);
    throw new Error('does not run locally');
  }

  async function start({ StateMachineArn, Name, Input }: StartInput): Promise<void> {
    const input = typeof Input === 'string' ? Input : JSON.stringify(Input ?? {});
    await at.stepFunctions.send(new StartExecutionCommand({ stateMachineArn: StateMachineArn, name: Name, input }));
  }

  return { send, asynchronous, buses, queues };
}

interface StartInput {
  StateMachineArn: string;
  Name?: string;
  Input?: unknown;
}

function asynchronousRules(deployment: Deployment): (functionArn: string) => AsynchronousRules {
  const rules = new Map<Resource['logicalId'], AsynchronousRules>();
  for (const resource of deployment.resources('AWS::Lambda::EventInvokeConfig')) {
    const {
      FunctionName,
      MaximumRetryAttempts = 2,
      DestinationConfig,
    } = deployment.properties<InvokeConfiguration>(resource);
    const owner = deployment.find('AWS::Lambda::Function', FunctionName);
    const onFailure = DestinationConfig?.OnFailure?.Destination;
    const onSuccess = DestinationConfig?.OnSuccess?.Destination;
    if (!owner) continue;
    rules.set(owner.logicalId, {
      maxRetries: MaximumRetryAttempts,
      ...(onFailure ? { onFailure } : {}),
      ...(onSuccess ? { onSuccess } : {}),
    });
  }
  return (arn) => rules.get(deployment.find('AWS::Lambda::Function', arn)?.logicalId ?? '') ?? { maxRetries: 2 };
}

function queuesOf(deployment: Deployment, folder: string): Queues {
  const queues = deployment.resources('AWS::SQS::Queue').map((resource) => {
    const name = deployment.attribute(resource, 'QueueName');
    const write = lineWriter(join(folder, 'queues', `${name}.ndjson`));
    return {
      path: new URL(deployment.reference(resource)).pathname,
      arn: deployment.attribute(resource, 'Arn'),
      write,
    };
  });
  return {
    async send(urlOrArn, body) {
      const queue = queues.find(({ path, arn }) => urlOrArn.endsWith(path) || urlOrArn === arn);
      if (!queue) return undefined;
      const messageId = crypto.randomUUID();
      await queue.write({ messageId, sentAt: new Date().toISOString(), body });
      return { messageId };
    },
  };
}
