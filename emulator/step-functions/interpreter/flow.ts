import type { Json, JsonObject, Thread } from '../model.ts';
import { matches, nextRetry } from './errors.ts';
import {
  append,
  checkSize,
  childrenOf,
  type Extra,
  evaluate,
  graphOf,
  type Run,
  record,
  StateError,
  stateOf,
  threadOf,
} from './run.ts';

/** Starts a line of control at the first state of its graph. */
export function startThread(
  run: Run,
  from: Pick<Thread, 'parent' | 'index' | 'item' | 'lastEvent'>,
  input: Json,
): void {
  const thread = { ...from, id: run.execution.threadCount++, variables: {} } as Thread;
  run.execution.threads[thread.id] = thread;
  enter(run, thread, graphOf(run, thread).StartAt, input);
}

function enter(run: Run, thread: Thread, name: string, input: Json): void {
  thread.state = { name, input, enteredAt: run.world.now(), enteredEvent: 0, retries: [], phase: { kind: 'ready' } };
  const details = { name, input: JSON.stringify(input), inputDetails: { truncated: false } };
  thread.state.enteredEvent = record(run, thread, `${stateOf(run, thread).Type}StateEntered`, details);
}

/** How a state is left: the fields to apply, what they see, the output if there is no Output field, and where to. */
export interface Exit {
  fields: { Output?: Json; Assign?: JsonObject };
  at?: string;
  extra?: Extra;
  fallback: Json;
  next: string | undefined;
}

/** Evaluates Output and Assign, both with the variables as they were, and moves the thread on. */
export async function leave(
  run: Run,
  thread: Thread,
  { fields, at = '', extra = {}, fallback, next }: Exit,
): Promise<void> {
  const { Output, Assign } = fields;
  const output = Output === undefined ? fallback : await evaluate(run, thread, Output, `${at}Output`, extra);
  checkSize(thread, output, `${at}Output`);
  const assigned =
    Assign === undefined ? {} : ((await evaluate(run, thread, Assign, `${at}Assign`, extra)) as JsonObject);
  const entries = Object.entries(assigned).map(([name, value]) => [name, JSON.stringify(value)]);
  record(run, thread, `${stateOf(run, thread).Type}StateExited`, {
    name: thread.state.name,
    output: JSON.stringify(output),
    outputDetails: { truncated: false },
    ...(entries.length > 0 && {
      assignedVariables: Object.fromEntries(entries),
      assignedVariablesDetails: { truncated: false },
    }),
  });
  Object.assign(thread.variables, assigned);
  if (next !== undefined) enter(run, thread, next, output);
  else await finish(run, thread, output);
}

/** The thread has reached its end: the execution succeeds, or the state around it gets one result more. */
async function finish(run: Run, thread: Thread, output: Json): Promise<void> {
  delete run.execution.threads[thread.id];
  if (thread.parent === undefined) {
    const text = JSON.stringify(output);
    append(run, 'ExecutionSucceeded', thread.lastEvent, { output: text, outputDetails: { truncated: false } });
    end(run, { status: 'SUCCEEDED', output: text });
    return;
  }
  const parent = threadOf(run, thread.parent);
  const { phase, name } = parent.state;
  if (phase.kind !== 'children') throw new Error(`${run.execution.arn}: ${name} waits for no branch`);
  if (thread.item) record(run, thread, 'MapIterationSucceeded', { name, index: thread.index });
  phase.results[thread.index] = output;
  phase.finished++;
  parent.lastEvent = thread.lastEvent;
}

/** Runs a step of the thread's state; its error goes to the state's Retry and Catch, and then outwards. */
export async function runStep(run: Run, thread: Thread, step: () => Promise<void> | void): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    await handle(run, thread, error);
  }
}

async function handle(run: Run, thread: Thread, error: StateError): Promise<void> {
  const state = stateOf(run, thread);
  if (error.location !== undefined) {
    record(run, thread, 'EvaluationFailed', { ...namesOf(error), state: thread.state.name, location: error.location });
  }
  endChildren(run, thread);
  const delay = nextRetry(state, thread.state, error, run.world.random);
  if (delay !== undefined) {
    thread.state.phase = { kind: 'backoff', until: run.world.now() + delay };
    return;
  }
  const index = (state.Catch ?? []).findIndex((catcher) => matches(catcher.ErrorEquals, error));
  const catcher = state.Catch?.[index];
  if (!catcher) return await fail(run, thread, error);
  const name = caughtName(error);
  const errorOutput: JsonObject = {
    ...(name !== undefined && { Error: name }),
    ...(error.reason !== undefined && { Cause: error.reason }),
  };
  try {
    const at = `Catch[${index}]/`;
    await leave(run, thread, {
      fields: catcher,
      at,
      extra: { errorOutput },
      fallback: errorOutput,
      next: catcher.Next,
    });
  } catch (second) {
    if (!(second instanceof StateError)) throw second;
    await fail(run, thread, second);
  }
}

/** A missed heartbeat is States.Timeout in the history; only Catch and Retry know it as States.HeartbeatTimeout. */
function caughtName({ error, also }: StateError): string | undefined {
  return also.includes('States.HeartbeatTimeout') ? 'States.HeartbeatTimeout' : error;
}

function namesOf({ error, reason }: StateError): JsonObject {
  return { ...(error !== undefined && { error }), ...(reason !== undefined && { cause: reason }) };
}

/** No handler in this state: the execution fails, or the state around the thread does. */
async function fail(run: Run, thread: Thread, error: StateError): Promise<void> {
  if (thread.parent === undefined) {
    append(run, 'ExecutionFailed', thread.lastEvent, namesOf(error));
    end(run, { status: 'FAILED', ...namesOf(error) });
    return;
  }
  const parent = threadOf(run, thread.parent);
  delete run.execution.threads[thread.id];
  if (thread.item) record(run, thread, 'MapIterationFailed', { name: parent.state.name, index: thread.index });
  parent.lastEvent = thread.lastEvent;
  const isBranch = stateOf(run, parent).Type === 'Parallel';
  const also = isBranch ? [...error.also, 'States.BranchFailed'] : error.also;
  await handle(run, parent, new StateError(error.error, error.reason, { also }));
}

/** A Parallel or Map state fails as soon as one of its branches does: the others stop where they are. */
function endChildren(run: Run, thread: Thread): void {
  if (thread.state.phase.kind !== 'children') return;
  const cause = thread.lastEvent;
  for (const child of childrenOf(run, thread)) abort(run, child, cause);
  record(run, thread, `${stateOf(run, thread).Type}StateFailed`);
  thread.state.phase = { kind: 'ready' };
}

function abort(run: Run, thread: Thread, cause: number): void {
  const { Type } = stateOf(run, thread);
  for (const child of childrenOf(run, thread)) abort(run, child, cause);
  thread.lastEvent = cause;
  if (['Task', 'Wait', 'Map', 'Parallel'].includes(Type)) record(run, thread, `${Type}StateAborted`);
  if (thread.item && thread.parent !== undefined) {
    record(run, thread, 'MapIterationAborted', { name: threadOf(run, thread.parent).state.name, index: thread.index });
  }
  delete run.execution.threads[thread.id];
}

/** Ends the execution for a reason that no state can handle, and writes its last event. */
export function terminate(run: Run, status: 'ABORTED' | 'TIMED_OUT' | 'FAILED', error: StateError): void {
  const type = { ABORTED: 'ExecutionAborted', TIMED_OUT: 'ExecutionTimedOut', FAILED: 'ExecutionFailed' }[status];
  const previous = status === 'FAILED' ? run.execution.eventCount : 0;
  append(run, type, previous, namesOf(error));
  // AWS names the error of a timed-out execution in its history only.
  end(run, status === 'TIMED_OUT' ? { status } : { status, ...namesOf(error) });
}

function end(run: Run, outcome: Partial<Run['execution']>): void {
  Object.assign(run.execution, outcome, { stoppedAt: run.world.now(), threads: {} });
}
