import { createHash } from 'node:crypto';
import { AccessDeniedError } from '../iam/guard.ts';
import { type Need, needOfInvoke, needsOfStepFunctions } from '../iam/needs.ts';
import type { InvokeResult, JsonObject, TaskPhase } from './model.ts';
import { ServiceError } from './protocol.ts';

type CallAnswer = { result: JsonObject } | { error: string; cause: string };

/** The calls that a machine's tasks make, in its role. Neither rejects: what goes wrong is an answer. */
export interface TaskCalls {
  invoke(machineArn: string, parameters: JsonObject, signal: AbortSignal): Promise<InvokeResult>;
  startExecution(parent: string, task: TaskPhase): Promise<CallAnswer>;
}

export type Invoke = (functionArn: string, payload: unknown, signal?: AbortSignal) => Promise<InvokeResult>;
export type Start = (input: JsonObject) => Promise<{ executionArn: string; startDate: number }>;

/** @throws AccessDeniedError */
type Require = (machineArn: string, needs: readonly Need[]) => void;

export const machineOf = (executionArn: string) => executionArn.replace(/:execution:([^:]+):.*$/, ':stateMachine:$1');

export function createTaskCalls(invoke: Invoke, start: Start, require: Require): TaskCalls {
  return {
    async invoke(machineArn, parameters, signal) {
      const name = String(parameters['FunctionName']);
      try {
        require(machineArn, [needOfInvoke(name)]);
        return await invoke(name, parameters['Payload'] ?? {}, signal);
      } catch (error) {
        if (error instanceof AccessDeniedError)
          return { error: { type: 'Lambda.AWSLambdaException', message: error.message } };
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        return { error: { type: name.endsWith('Exception') ? `Lambda.${name}` : 'Lambda.Unknown', message } };
      }
    },

    async startExecution(parent, task) {
      const { StateMachineArn, Name, Input } = task.arguments;
      // The same name when the call is made again after a restart, so that it starts once.
      const derived = createHash('sha256').update(`${parent}#${task.attempt}`).digest('hex').slice(0, 32);
      const input = {
        stateMachineArn: StateMachineArn ?? null,
        name: Name ?? derived,
        input: typeof Input === 'string' ? Input : JSON.stringify(Input ?? {}),
      };
      try {
        require(machineOf(parent), needsOfStepFunctions('StartExecution', input, () => undefined));
        const { executionArn, startDate } = await start(input);
        return { result: { ExecutionArn: executionArn, StartDate: new Date(startDate * 1000).toISOString() } };
      } catch (error) {
        if (error instanceof AccessDeniedError)
          return { error: 'StepFunctions.AWSStepFunctionsException', cause: error.message };
        const { code, message } =
          error instanceof ServiceError ? error : { code: 'InternalServerError', message: String(error) };
        return { error: `StepFunctions.${code.replace(/Exception$/, '')}Exception`, cause: message };
      }
    },
  };
}
