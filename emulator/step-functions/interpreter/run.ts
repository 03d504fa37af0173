import { type Evaluate, QueryError } from '../expressions.ts';
import {
  type Definition,
  type Execution,
  type HistoryEvent,
  type Json,
  type JsonObject,
  payloadLimit,
  type State,
  type StateGraph,
  type Thread,
} from '../model.ts';

/** The interpreter's dependencies. */
export interface World {
  now(): number;
  random(): number;
  evaluate: Evaluate;
  /** A token for the attempt that starts with history event `attempt`; never the same twice. */
  newToken(execution: Execution, attempt: number): string;
}

/** An execution being moved on: its state, its parsed definition, and the events that are not yet written down. */
export interface Run {
  execution: Execution;
  definition: Definition;
  events: HistoryEvent[];
  world: World;
}

/** The error of a state, which its Retry and Catch may handle. */
export class StateError extends Error {
  /** The error name; a Fail state need not give one. */
  readonly error: string | undefined;
  readonly reason: string | undefined;
  /** Further names that ErrorEquals matches. */
  readonly also: string[];
  readonly location: string | undefined;

  constructor(error: string | undefined, reason?: string, more: { also?: string[]; location?: string } = {}) {
    super(reason ?? error ?? 'failed');
    this.error = error;
    this.reason = reason;
    this.also = more.also ?? [];
    this.location = more.location;
  }
}

/** The history is full: nothing but the end of the execution can follow. */
export class HistoryFullError extends Error {}

const historyLimit = 25_000;
export const historyFullCause = `The execution reached the maximum number of history events (${historyLimit}).`;

/**
 * Adds an event that follows the thread's last one. Throws HistoryFullError when only the execution's last event has
 * room.
 */
export function record(run: Run, thread: Thread, type: string, details?: JsonObject): number {
  if (run.execution.eventCount >= historyLimit - 1) throw new HistoryFullError(historyFullCause);
  thread.lastEvent = append(run, type, thread.lastEvent, details);
  return thread.lastEvent;
}

/** Adds an event that belongs to the execution as a whole. */
export function append(run: Run, type: string, previousEventId: number, details?: JsonObject): number {
  const id = ++run.execution.eventCount;
  run.events.push({ id, previousEventId, timestamp: run.world.now(), type, ...(details && { details }) });
  return id;
}

export function threadOf(run: Run, id: number): Thread {
  const thread = run.execution.threads[id];
  if (!thread) throw new Error(`${run.execution.arn} has no thread ${id}`);
  return thread;
}

export function childrenOf(run: Run, thread: Thread): Thread[] {
  return Object.values(run.execution.threads).filter((other) => other.parent === thread.id);
}

/** The states among which a thread moves: those of its branch or item processor. */
export function graphOf(run: Run, thread: Thread): StateGraph {
  if (thread.parent === undefined) return run.definition;
  const state = stateOf(run, threadOf(run, thread.parent));
  const graph = state.Type === 'Map' ? state.ItemProcessor : state.Branches?.[thread.index];
  if (!graph) throw new Error(`${run.execution.arn}: no states for thread ${thread.id}`);
  return graph;
}

export function stateOf(run: Run, thread: Thread): State {
  const state = graphOf(run, thread).States[thread.state.name];
  if (!state) throw new Error(`${run.execution.arn} has no state ${thread.state.name}`);
  return state;
}

/** Variables that expressions see in addition to `$states.input` and `$states.context`. */
export interface Extra {
  result?: Json;
  errorOutput?: Json;
  token?: string;
  item?: Thread['item'];
}

/**
 * Evaluates one field of the thread's state.
 * Throws a StateError: States.QueryEvaluationError, or States.DataLimitExceeded for a value above 256 KiB.
 */
export async function evaluate(
  run: Run,
  thread: Thread,
  template: Json,
  location: string,
  extra: Extra = {},
): Promise<Json> {
  const { token, item, ...rest } = extra;
  const states = { input: thread.state.input, context: contextOf(run, thread, token, item), ...rest };
  let value: Json;
  try {
    value = await run.world.evaluate(template, { ...variablesOf(run, thread), states }, location);
  } catch (error) {
    if (error instanceof QueryError) throw queryError(thread, error.message, error.location);
    throw error;
  }
  checkSize(thread, value, location);
  return value;
}

/** As `evaluate`, and the value must pass `accepts`; `expected` says in words what that is. */
export async function evaluateAs<Value extends Json>(
  run: Run,
  thread: Thread,
  template: Json,
  location: string,
  [expected, accepts]: readonly [string, (value: Json) => value is Value],
  extra: Extra = {},
): Promise<Value> {
  const value = await evaluate(run, thread, template, location, extra);
  if (accepts(value)) return value;
  throw queryError(
    thread,
    `The JSONata expression '${JSON.stringify(template)}' specified for the field '${location}' returned an unexpected result type. Expected '${expected}', but was '${kindOf(value)}' for value: ${JSON.stringify(value).slice(0, 200)}`,
    location,
  );
}

function queryError(thread: Thread, problem: string, location: string): StateError {
  const { name, enteredEvent } = thread.state;
  const reason = `An error occurred while executing the state '${name}' (entered at the event id #${enteredEvent}). ${problem}`;
  return new StateError('States.QueryEvaluationError', reason, { location });
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** The error of a value that is larger than a state's data may be. */
export function excessOf(thread: Thread, value: Json, location: string): StateError | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes <= payloadLimit) return undefined;
  return new StateError(
    'States.DataLimitExceeded',
    `The state '${thread.state.name}' has a value of ${bytes} bytes in '${location}', above the limit of ${payloadLimit} bytes`,
  );
}

export function checkSize(thread: Thread, value: Json, location: string): void {
  const excess = excessOf(thread, value, location);
  if (excess) throw excess;
}

/** The variables in scope: the thread's own, and those of the threads around it. */
function variablesOf(run: Run, thread: Thread): JsonObject {
  const outer = thread.parent === undefined ? {} : variablesOf(run, threadOf(run, thread.parent));
  return { ...outer, ...thread.variables };
}

function itemOf(run: Run, thread: Thread): Thread['item'] {
  return thread.item ?? (thread.parent === undefined ? undefined : itemOf(run, threadOf(run, thread.parent)));
}

/** The context object, `$states.context`. */
function contextOf(run: Run, thread: Thread, token: string | undefined, item = itemOf(run, thread)): JsonObject {
  const { execution } = run;
  const { name, enteredAt, retries } = thread.state;
  const retryCount = retries.reduce((sum, count) => sum + count, 0);
  const retryable = ['Task', 'Map', 'Parallel'].includes(stateOf(run, thread).Type);
  return {
    Execution: {
      Id: execution.arn,
      Input: JSON.parse(execution.input) as Json,
      Name: execution.name,
      RoleArn: execution.roleArn,
      StartTime: new Date(execution.startedAt).toISOString(),
      RedriveCount: 0,
    },
    StateMachine: { Id: execution.machineArn, Name: execution.machineName },
    State: { Name: name, EnteredTime: new Date(enteredAt).toISOString(), ...(retryable && { RetryCount: retryCount }) },
    ...(token !== undefined && { Task: { Token: token } }),
    ...(item && { Map: { Item: { ...item } } }),
  };
}
