import type { Engine } from './engine.ts';
import { runStep } from './interpreter/flow.ts';
import type { Run } from './interpreter/run.ts';
import { succeedTask, taskFailure } from './interpreter/task.ts';
import { type Json, type JsonObject, payloadLimit, type TaskPhase, type Thread } from './model.ts';
import { type Operation, optionalText, parseJson, ServiceError, text } from './protocol.ts';
import type { Tokens } from './tokens.ts';

const tokenLimit = 2048;

/**
 * SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat: each takes effect only for the token of the current attempt.
 */
export function createCallbacks(engine: Engine, tokens: Tokens, now: () => number): Record<string, Operation> {
  async function withToken(
    request: JsonObject,
    step: (run: Run, thread: Thread, task: TaskPhase) => Promise<void> | void,
  ) {
    const token = text(request, 'taskToken', tokenLimit);
    const arn = tokens.executionOf(token);
    if (!engine.executions.has(arn)) {
      throw new ServiceError('TaskDoesNotExist', `Task Does Not Exist: the execution ${arn} of this token was deleted`);
    }
    const applied = engine.apply(arn, async (run) => {
      for (const thread of Object.values(run.execution.threads)) {
        const task = thread.state.phase;
        if (task.kind === 'task' && task.token === token)
          return await runStep(run, thread, () => step(run, thread, task));
      }
      throw closed();
    });
    if (!applied) throw closed();
    await applied;
  }

  return {
    async SendTaskSuccess(request) {
      const output = parseJson(text(request, 'output', payloadLimit));
      if (output === undefined) throw new ServiceError('InvalidOutput', 'Invalid Output: the output is not JSON');
      await withToken(request, (run, thread) => succeedTask(run, thread, output as Json));
    },

    async SendTaskFailure(request) {
      const error = optionalText(request, 'error', 256);
      const cause = optionalText(request, 'cause', 32_768);
      await withToken(request, (run, thread) => {
        throw taskFailure(run, thread, error, cause);
      });
    },

    async SendTaskHeartbeat(request) {
      await withToken(request, (_run, _thread, task) => {
        if (task.heartbeatMs !== undefined) task.heartbeatAt = now() + task.heartbeatMs;
      });
    },
  };
}

function closed(): ServiceError {
  return new ServiceError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
}
