/**
 * The workflow's input: every timeout in whole seconds of at least one, since its definition holds only expressions.
 */
export interface WorkflowInput {
  readonly group: string;
  readonly backupId: string;
  readonly answerSeconds: number;
  readonly abandonSeconds: number;
  readonly runSeconds: number;
  readonly cutPauseSeconds: number;
}

/** The port to the state machine. A token that is stale, answered or unknown is a `false`, not an error. */
export interface Workflow {
  /** Starting twice with the same input starts once; `ended` when there was such an execution and it no longer runs. */
  start(input: WorkflowInput): Promise<'running' | 'ended'>;
  succeed(taskToken: string, output: object): Promise<boolean>;
  fail(taskToken: string, error: string, cause: string): Promise<boolean>;
  heartbeat(taskToken: string): Promise<boolean>;
}

export const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
