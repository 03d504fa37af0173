import type { Execution, InvokeResult, Json, JsonObject, TaskPhase, Thread } from '../model.ts';
import { isObject } from '../protocol.ts';
import { parameterOf, type Resource, resourceOf } from '../resource.ts';
import { leave } from './flow.ts';
import { evaluateAs, excessOf, type Run, record, StateError, stateOf } from './run.ts';

const longestSeconds = 99_999_999;
const positive = [
  `number, a whole one from 1 to ${longestSeconds}`,
  (value: Json): value is number => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= longestSeconds,
] as const;
const object = ['object', isObject] as const;

/** Schedules one attempt. The invocation itself follows once the attempt is written down. */
export async function beginTask(run: Run, thread: Thread): Promise<void> {
  const state = stateOf(run, thread);
  const resource = resourceIn(run, thread);
  const token = resource.callback ? run.world.newToken(run.execution, run.execution.eventCount + 1) : undefined;
  const extra = token === undefined ? {} : { token };
  const seconds = async (field: 'TimeoutSeconds' | 'HeartbeatSeconds') =>
    state[field] === undefined ? undefined : await evaluateAs(run, thread, state[field], field, positive, extra);
  const parameters = await evaluateAs(run, thread, state.Arguments ?? {}, 'Arguments', object, extra);
  const needed = parameterOf(resource);
  if (typeof parameters[needed] !== 'string') {
    const reason = `The parameters of the state '${thread.state.name}' have no field '${needed}', which the task needs`;
    throw new StateError('States.Runtime', reason);
  }
  const timeout = await seconds('TimeoutSeconds');
  const heartbeat = await seconds('HeartbeatSeconds');
  if (timeout !== undefined && heartbeat !== undefined && heartbeat >= timeout) {
    const reason = `HeartbeatSeconds (${heartbeat}) of the state '${thread.state.name}' must be below its TimeoutSeconds (${timeout})`;
    throw new StateError('States.QueryEvaluationError', reason, { location: 'HeartbeatSeconds' });
  }
  const names = namesOf(resource);
  const attempt = record(run, thread, 'TaskScheduled', {
    ...names,
    region: run.execution.arn.split(':')[3] ?? '',
    parameters: JSON.stringify(parameters),
    ...(timeout !== undefined && { timeoutInSeconds: timeout }),
    ...(heartbeat !== undefined && { heartbeatInSeconds: heartbeat }),
  });
  record(run, thread, 'TaskStarted', names);
  const now = run.world.now();
  thread.state.phase = {
    kind: 'task',
    attempt,
    arguments: parameters,
    submitted: false,
    ...(token !== undefined && { token }),
    ...(timeout !== undefined && { timeoutAt: now + timeout * 1000 }),
    ...(heartbeat !== undefined && { heartbeatMs: heartbeat * 1000, heartbeatAt: now + heartbeat * 1000 }),
  };
}

/** The function's response: the result of the task, or with a callback only the proof that it was submitted. */
export async function endInvocation(run: Run, thread: Thread, task: TaskPhase, answer: InvokeResult): Promise<void> {
  if ('error' in answer) throw taskFailure(run, thread, ...functionError(answer.error));
  const metadata = { HttpHeaders: { 'X-Amz-Executed-Version': '$LATEST' }, HttpStatusCode: 200 };
  await endSubmission(run, thread, task, {
    ExecutedVersion: '$LATEST',
    Payload: (answer.payload ?? null) as Json,
    SdkHttpMetadata: metadata,
    SdkResponseMetadata: { RequestId: `${run.execution.name}-${task.attempt}` },
    StatusCode: 200,
  });
}

/** The call behind the task was answered. */
export async function endSubmission(run: Run, thread: Thread, task: TaskPhase, answer: JsonObject): Promise<void> {
  const resource = resourceIn(run, thread);
  if (!resource.callback && !resource.sync) return await succeedTask(run, thread, answer);
  task.submitted = true;
  if (resource.sync) task.child = String(answer['ExecutionArn']);
  record(run, thread, 'TaskSubmitted', { ...namesOf(resource), ...outputOf(answer) });
}

export async function succeedTask(run: Run, thread: Thread, result: Json): Promise<void> {
  const excess = excessOf(thread, result, 'result');
  if (excess) throw taskFailure(run, thread, excess.error, excess.reason);
  record(run, thread, 'TaskSucceeded', { ...namesOf(resourceIn(run, thread)), ...outputOf(result) });
  const state = stateOf(run, thread);
  await leave(run, thread, { fields: state, extra: { result }, fallback: result, next: state.Next });
}

/** The execution that the task waits for has ended: its output is the result, anything but success an error. */
export async function endChild(run: Run, thread: Thread, task: TaskPhase, child: Execution): Promise<void> {
  if (task.child !== child.arn) return;
  const result: JsonObject = {
    ExecutionArn: child.arn,
    Input: JSON.parse(child.input) as Json,
    Name: child.name,
    StartDate: new Date(child.startedAt).toISOString(),
    StateMachineArn: child.machineArn,
    Status: child.status,
    StopDate: new Date(child.stoppedAt ?? child.startedAt).toISOString(),
    ...(child.output !== undefined && { Output: JSON.parse(child.output) as Json }),
    ...(child.error !== undefined && { Error: child.error }),
    ...(child.cause !== undefined && { Cause: child.cause }),
  };
  if (child.status !== 'SUCCEEDED') throw taskFailure(run, thread, 'States.TaskFailed', JSON.stringify(result));
  await succeedTask(run, thread, result);
}

/** Records the failure and answers the error to throw. */
export function taskFailure(
  run: Run,
  thread: Thread,
  error: string | undefined,
  cause: string | undefined,
): StateError {
  record(run, thread, 'TaskFailed', {
    ...namesOf(resourceIn(run, thread)),
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
  });
  return new StateError(error, cause);
}

/** Throws if the task's time is over at `now`; whichever deadline came first counts. */
export function checkDeadlines(run: Run, thread: Thread, task: TaskPhase, now: number): void {
  const { timeoutAt = Number.POSITIVE_INFINITY, heartbeatAt = Number.POSITIVE_INFINITY } = task;
  if (Math.min(timeoutAt, heartbeatAt) > now) return;
  record(run, thread, 'TaskTimedOut', { ...namesOf(resourceIn(run, thread)), error: 'States.Timeout' });
  throw new StateError('States.Timeout', undefined, {
    also: heartbeatAt < timeoutAt ? ['States.HeartbeatTimeout'] : [],
  });
}

export function resourceIn(run: Run, thread: Thread): Resource {
  const { Resource: arn = '' } = stateOf(run, thread);
  const resource = resourceOf(arn);
  if (!resource) throw new StateError('States.Runtime', `The local Step Functions server does not run ${arn}`);
  return resource;
}

function namesOf({ type, action }: Resource): JsonObject {
  return { resourceType: type, resource: action };
}

function outputOf(value: Json): JsonObject {
  return { output: JSON.stringify(value), outputDetails: { truncated: false } };
}

/** Errors of the service itself have a plain cause; those that a function raised have Lambda's error document. */
function functionError({
  type,
  message,
  trace,
}: {
  type: string;
  message: string;
  trace?: string[];
}): [string, string] {
  if (type.startsWith('Lambda.')) return [type, message];
  return [type, JSON.stringify({ errorType: type, errorMessage: message, ...(trace && { trace }) })];
}
