export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** One level of states: the machine itself, a branch of a Parallel state, or the item processor of a Map state. */
export interface StateGraph {
  StartAt: string;
  States: Record<string, State>;
}

export interface Definition extends StateGraph {
  QueryLanguage?: string;
  TimeoutSeconds?: number;
}

export interface State {
  Type: 'Task' | 'Choice' | 'Wait' | 'Pass' | 'Succeed' | 'Fail' | 'Parallel' | 'Map';
  QueryLanguage?: string;
  Next?: string;
  End?: boolean;
  Output?: Json;
  Assign?: JsonObject;
  Arguments?: Json;
  Resource?: string;
  TimeoutSeconds?: number | string;
  HeartbeatSeconds?: number | string;
  Seconds?: number | string;
  Timestamp?: string;
  Error?: string;
  Cause?: string;
  Choices?: ChoiceRule[];
  Default?: string;
  Branches?: StateGraph[];
  Items?: Json;
  ItemSelector?: Json;
  MaxConcurrency?: number | string;
  ItemProcessor?: StateGraph & { ProcessorConfig?: { Mode?: string } };
  Retry?: Retrier[];
  Catch?: Catcher[];
}

interface ChoiceRule {
  Condition: string;
  Next: string;
  Output?: Json;
  Assign?: JsonObject;
}

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  MaxAttempts?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: 'FULL' | 'NONE';
}

export interface Catcher {
  ErrorEquals: string[];
  Next: string;
  Output?: Json;
  Assign?: JsonObject;
}

export interface Machine {
  arn: string;
  name: string;
  definition: string;
  roleArn: string;
  createdAt: number;
  revisionId?: string;
  tags: { key: string; value: string }[];
}

type Status = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/**
 * Everything about an execution but its history, as plain data: what is written down is what runs on after a restart.
 */
export interface Execution {
  arn: string;
  name: string;
  machineArn: string;
  machineName: string;
  roleArn: string;
  /** The definition as it was when the execution started; dropped once it has ended. */
  definition: string;
  input: string;
  status: Status;
  startedAt: number;
  stoppedAt?: number;
  timeoutAt?: number;
  output?: string;
  error?: string;
  cause?: string;
  eventCount: number;
  threadCount: number;
  threads: Record<string, Thread>;
}

/** One line of control: the execution's own, a branch of a Parallel state, or an iteration of a Map state. */
export interface Thread {
  id: number;
  parent?: number;
  /** Which branch or iteration of the parent's state this is. */
  index: number;
  item?: { Index: number; Value: Json; Key?: string };
  variables: JsonObject;
  lastEvent: number;
  state: StateVisit;
}

export interface StateVisit {
  name: string;
  input: Json;
  enteredAt: number;
  enteredEvent: number;
  /** How often each retrier was used in this visit. */
  retries: number[];
  phase: Phase;
}

export type Phase =
  | { kind: 'ready' }
  | { kind: 'wait' | 'backoff'; until: number }
  | TaskPhase
  | {
      kind: 'children';
      total: number;
      started: number;
      finished: number;
      limit: number;
      results: Json[];
      items?: Json;
    };

export interface TaskPhase {
  kind: 'task';
  /** The id of the TaskScheduled event: an answer that names another attempt comes too late. */
  attempt: number;
  arguments: JsonObject;
  token?: string;
  timeoutAt?: number;
  heartbeatMs?: number;
  heartbeatAt?: number;
  /** The invocation or start was answered; from now on only a callback or a child execution can end the task. */
  submitted: boolean;
  /** The child execution that the task waits for. */
  child?: string;
}

export interface HistoryEvent {
  id: number;
  previousEventId: number;
  timestamp: number;
  type: string;
  details?: JsonObject;
}

/**
 * The response of a Lambda invocation: a payload, or the error that the function (or, as `Lambda.…`, the service)
 * raised.
 */
export type InvokeResult = { payload: unknown } | { error: { type: string; message: string; trace?: string[] } };

export const payloadLimit = 256 * 1024;
