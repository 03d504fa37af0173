/** What the workflow takes as its input: every timeout in whole seconds of at least one, since its definition holds only expressions. */
export interface WorkflowInput {
  readonly group: string;
  readonly backupId: string;
  readonly answerSeconds: number;
  readonly abandonSeconds: number;
  readonly runSeconds: number;
}

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** The port to the state machine. A token that is stale, answered or unknown is a `false`, not an error. */
export interface Workflow {
  /** Starting twice with the same backup starts once. */
  start(input: WorkflowInput): Promise<void>;
  /** Undefined when there is no such execution, or it is out of history. */
  status(backupId: string): Promise<ExecutionStatus | undefined>;
  stop(backupId: string, cause: string): Promise<void>;
  succeed(taskToken: string, output: unknown): Promise<boolean>;
  fail(taskToken: string, error: string, cause: string): Promise<boolean>;
  heartbeat(taskToken: string): Promise<boolean>;
}

/** How long a backup may run in all. */
export const runSeconds = 24 * 3600;

export const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
