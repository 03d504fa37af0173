/** Lambda's limits for a synchronous invocation. */
export const limits = { requestBytes: 6_291_456, answerBytes: 6_291_556 } as const;

export interface HostedFunction {
  name: string;
  arn: string;
  /** The bundle's file and what it exports as the handler. */
  file: string;
  exportName: string;
  timeoutMs: number;
  memoryMiB: number;
  environment: Record<string, string>;
  /** Where the function's own output goes. */
  logFile: string;
}

export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

export type Outcome = { payload: string } | { error: FunctionError };
