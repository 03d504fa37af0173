import { createHash } from 'node:crypto';
import type { InvokeResult, JsonObject, TaskPhase } from './model.ts';
import { ServiceError } from './protocol.ts';

type CallAnswer = { result: JsonObject } | { error: string; cause: string };

/** The calls that tasks make. Neither rejects: what goes wrong is an answer. */
export interface TaskCalls {
  invoke(parameters: JsonObject, signal: AbortSignal): Promise<InvokeResult>;
  startExecution(parent: string, task: TaskPhase): Promise<CallAnswer>;
}

export type Invoke = (functionArn: string, payload: unknown, signal?: AbortSignal) => Promise<InvokeResult>;
export type Start = (input: JsonObject) => Promise<{ executionArn: string; startDate: number }>;

export function createTaskCalls(invoke: Invoke, start: Start): TaskCalls {
  return {
    async invoke(parameters, signal) {
      try {
        return await invoke(String(parameters['FunctionName']), parameters['Payload'] ?? {}, signal);
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        return { error: { type: name.endsWith('Exception') ? `Lambda.${name}` : 'Lambda.Unknown', message } };
      }
    },

    async startExecution(parent, task) {
      const { StateMachineArn, Name, Input } = task.arguments;
      // The same name when the call is made again after a restart, so that it starts once.
      const derived = createHash('sha256').update(`${parent}#${task.attempt}`).digest('hex').slice(0, 32);
      try {
        const { executionArn, startDate } = await start({
          stateMachineArn: StateMachineArn ?? null,
          name: Name ?? derived,
          input: typeof Input === 'string' ? Input : JSON.stringify(Input ?? {}),
        });
        return { result: { ExecutionArn: executionArn, StartDate: new Date(startDate * 1000).toISOString() } };
      } catch (error) {
        const { code, message } =
          error instanceof ServiceError ? error : { code: 'InternalServerError', message: String(error) };
        return { error: `StepFunctions.${code.replace(/Exception$/, '')}Exception`, cause: message };
      }
    },
  };
}
