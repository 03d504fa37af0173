import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { onTestFinished } from 'vitest';
import type { PermissionGuard } from '../../../../emulator/iam/guard.ts';
import type { Clock } from '../../../../emulator/step-functions/clock.ts';
import type { InvokeResult } from '../../../../emulator/step-functions/model.ts';
import { startStepFunctions } from '../../../../emulator/step-functions/server.ts';

export interface ManualClock extends Clock {
  /** Moves time and fires what is due. */
  advance(ms: number): void;
}

export function manualClock(): ManualClock {
  let now = Date.UTC(2026, 0, 1);
  const timers = new Set<{ at: number; callback: () => void }>();
  return {
    now: () => now,
    setTimer(at, callback) {
      const timer = { at, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      now += ms;
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer);
        timer.callback();
      }
    },
  };
}

interface Call {
  name: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what its machine sends
  payload: any;
}

/** A function's behaviour: returns, throws (its error's name is the error type), or never comes back. */
export type Handler = (call: Call, nth: number) => unknown;

export interface Options {
  folder?: string;
  clock?: ManualClock;
  random?: () => number;
  handler?: Handler;
  permissions?: PermissionGuard;
}

/** A server with a clock of its own and functions that are one handler; stopped when the test ends. */
export async function testServer({
  folder,
  clock = manualClock(),
  random,
  handler = ({ payload }) => payload,
  permissions,
}: Options = {}) {
  const calls: Call[] = [];
  const server = await startStepFunctions({
    clock,
    ...(folder !== undefined && { folder }),
    ...(random && { random }),
    permissions,
    invoke: async (name, payload) => {
      const nth = calls.push({ name, payload });
      return await invokeResult(() => handler({ name, payload }, nth));
    },
  });
  const client = new SFNClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= server.stop().then(() => client.destroy());
    return stopped;
  };
  onTestFinished(stop);

  const describe = async (executionArn: string) => await client.send(new DescribeExecutionCommand({ executionArn }));

  return {
    client,
    createStateMachine: server.createStateMachine,
    clock,
    calls,
    stop,
    describe,

    /** Creates a state machine of these states that starts at the first of them. */
    async machine(states: Record<string, object>, more: object = {}): Promise<string> {
      const definition = JSON.stringify({
        QueryLanguage: 'JSONata',
        StartAt: Object.keys(states)[0],
        States: states,
        ...more,
      });
      const name = `machine-${Math.random().toString(36).slice(2)}`;
      const { stateMachineArn } = await client.send(new CreateStateMachineCommand({ name, definition, roleArn }));
      return stateMachineArn ?? '';
    },

    async start(stateMachineArn: string, input: unknown = {}, name?: string): Promise<string> {
      const command = new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input), name });
      return (await client.send(command)).executionArn ?? '';
    },

    async ended(executionArn: string): Promise<Ended> {
      const described = await until(async () => {
        const now = await describe(executionArn);
        return now.status === 'RUNNING' ? undefined : now;
      });
      return { ...described, result: described.output === undefined ? undefined : JSON.parse(described.output) };
    },

    async history(executionArn: string): Promise<HistoryEvent[]> {
      return (await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }))).events ?? [];
    },

    /** The token that the nth call was given, once it was made. */
    async token(nth: number): Promise<string> {
      return await until(async () => calls[nth - 1]?.payload.token as string | undefined);
    },
  };
}

export type TestServer = Awaited<ReturnType<typeof testServer>>;
// biome-ignore lint/suspicious/noExplicitAny: each test knows what its machine answers
export type Ended = DescribeExecutionOutput & { result: any };

export const roleArn = 'arn:aws:iam::000000000000:role/workflow';
export const invoke = 'arn:aws:states:::lambda:invoke';
const callback = 'arn:aws:states:::lambda:invoke.waitForTaskToken';

/** Runs one machine to its end. */
export async function runOnce(server: TestServer, states: Record<string, object>, input: unknown = {}): Promise<Ended> {
  return await server.ended(await server.start(await server.machine(states), input));
}

/** A task that hands its token to the function. */
export function callbackTask(more: object = {}): object {
  const Arguments = { FunctionName: 'worker', Payload: { token: '{% $states.context.Task.Token %}' } };
  return { Type: 'Task', Resource: callback, Arguments, End: true, ...more };
}

export function typesOf(events: HistoryEvent[]): string[] {
  return events.map(({ type }) => type ?? '');
}

/** Asks until there is an answer. It waits for work that is under way, never for time to pass. */
export async function until<Value>(ask: () => Promise<Value | undefined | false>): Promise<Value> {
  for (const giveUp = Date.now() + 20_000; Date.now() < giveUp; ) {
    const value = await ask();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`Nothing came of ${ask}`);
}

async function invokeResult(run: () => unknown): Promise<InvokeResult> {
  try {
    return { payload: await run() };
  } catch (error) {
    if (error instanceof RejectionError) throw error;
    const { name, message } = error as Error;
    return { error: { type: name, message } };
  }
}

/** Thrown by a handler, the invocation itself fails rather than the function. */
export class RejectionError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export function errorNamed(name: string, message = 'as the test asked'): Error {
  return Object.assign(new Error(message), { name });
}
