import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { guarded } from '../../cli/request-guard.ts';
import type { PermissionGuard } from '../iam/guard.ts';
import { endOf, needsOfStepFunctions } from '../iam/needs.ts';
import { type AcceptedDefinitions, rememberNone } from './accepted-definitions.ts';
import { createCallbacks } from './callbacks.ts';
import { type Clock, systemClock } from './clock.ts';
import { Engine } from './engine.ts';
import { Executions } from './executions.ts';
import { createEvaluator } from './expressions.ts';
import { Machines } from './machines.ts';
import type { JsonObject } from './model.ts';
import { type Authorise, answer, ServiceError } from './protocol.ts';
import { folderStore, memoryStore } from './store.ts';
import { createTaskCalls, type Invoke, machineOf } from './task-calls.ts';
import { createTokens } from './tokens.ts';

export interface StepFunctionsOptions {
  /** Keeps state machines, executions and histories over a restart; left out, they live in memory. */
  folder?: string;
  /** Left out or 0, the system chooses. */
  port?: number;
  /** Runs a Lambda function. A function's error and a service error (type `Lambda.…`) are answers. */
  invoke: Invoke;
  clock?: Clock;
  /** A number from 0 to 1, for jitter and `$random()`. */
  random?: () => number;
  region?: string;
  accountId?: string;
  /** Spares the check of definitions that passed it before. */
  accepted?: AcceptedDefinitions;
  /** Names that a Host header may have besides those of loopback. */
  hosts?: readonly string[];
  /** Holds functions and state machines to their roles. */
  permissions?: PermissionGuard | undefined;
  /** Whether the next request of a function is throttled. */
  throttled?: () => boolean;
}

export interface StepFunctionsServer {
  endpoint: string;
  /** As the API operation of this name; throws its errors. */
  createStateMachine(input: {
    name: string;
    definition: string;
    roleArn?: string;
  }): Promise<{ stateMachineArn: string }>;
  stop(): Promise<void>;
}

const keptMs = 90 * 24 * 3600 * 1000;

/**
 * Starts AWS Step Functions for one machine: Standard workflows in JSONata, on loopback only, without authorisation.
 * With a folder, running executions continue after a restart: waits, heartbeats and timeouts keep their instants, and
 * what is due by then happens at once. A function that was being invoked at the stop is invoked again: tasks run at
 * least once.
 */
export async function startStepFunctions({
  folder,
  port = 0,
  invoke,
  clock = systemClock,
  random = Math.random,
  region = 'us-east-1',
  accountId = '000000000000',
  accepted = rememberNone,
  hosts = [],
  permissions,
  throttled = () => false,
}: StepFunctionsOptions): Promise<StepFunctionsServer> {
  const store = folder === undefined ? memoryStore() : await folderStore(folder);
  const tokens = createTokens(await store.key());
  const now = () => clock.now();
  const world = {
    now,
    random,
    evaluate: createEvaluator(now, random),
    newToken: ({ arn }: { arn: string }, attempt: number) => tokens.issue(arn, attempt),
  };
  const calls = createTaskCalls(
    invoke,
    (input) => executions.start(input),
    (machineArn, needs) => permissions?.require(endOf(machineArn), needs),
  );
  const engine = new Engine(store, clock, world, calls);
  const arnPrefix = `arn:aws:states:${region}:${accountId}`;
  const machines = await Machines.load({
    store,
    now,
    arnPrefix,
    accepted,
    removeExecutions: (arn) => executions.removeOf(arn),
  });
  const executions = new Executions(engine, store, now, (arn) => machines.get(arn));

  // AWS keeps an ended execution for 90 days.
  const kept = await store.executions();
  const outdated = kept.filter(({ stoppedAt }) => stoppedAt !== undefined && stoppedAt < now() - keptMs);
  for (const execution of outdated) await store.remove(execution);
  await engine.resume(kept.filter((execution) => !outdated.includes(execution)));

  const operations = { ...machines.operations, ...executions.operations, ...createCallbacks(engine, tokens, now) };
  const ofToken = (token: string) => machineOf(tokens.executionOf(token));
  const authorise: Authorise = (sessionToken, operation, input) => {
    if (sessionToken === undefined) return;
    permissions?.require(sessionToken, needsOfStepFunctions(operation, input, ofToken));
    if (throttled()) throw new ServiceError('ThrottlingException', 'Rate exceeded');
  };
  const server = createServer(
    guarded({ hosts, bodyTypes: ['application/x-amz-json-1.0'] }, (request, response) => {
      answer(operations, request, response, authorise).catch((error) => {
        console.error('Step Functions could not answer:', error);
        response.destroy();
      });
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,

    createStateMachine: async (input) =>
      (await machines.operations['CreateStateMachine']?.({ ...input } as JsonObject)) as { stateMachineArn: string },

    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await engine.stop();
      server.closeAllConnections();
      await closed;
    },
  };
}
