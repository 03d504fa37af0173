/** An error that the workflow catches by its name. */
export class WorkflowError extends Error {
  constructor(
    override readonly name: 'Refused' | 'WorkerLost' | 'AlreadyFinished' | 'GaveUp' | 'Superseded' | 'AttemptTooLong',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** As a state's Catch hands it on. An error that a function threw has Lambda's error document as its cause. */
export interface StateError {
  readonly Error: string;
  readonly Cause?: string | undefined;
}

/** The error in words, for people. */
export function refused(name: string, cause = ''): string {
  const message = messageIn(cause);
  if (name === 'Refused' || name === 'WorkerLost') return message || 'gave no reason';
  return message ? `${name}: ${message}` : name;
}

function messageIn(cause: string): string {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : cause;
  } catch {
    return cause;
  }
}
