import { functionName } from '../iam/needs.ts';
import type { FunctionHost } from './host.ts';
import { invokeOnceFree } from './patience.ts';

/** How Lambda treats an invocation of type Event of one function. */
export interface AsynchronousRules {
  maxRetries: number;
  onFailure?: string;
  onSuccess?: string;
}

export interface AsynchronousInvoker {
  /** Queues an invocation and comes back at once. The queue is lost when the stack stops. */
  invoke(functionArn: string, payload: string): void;
  stop(): void;
}

/** Lambda waits one and two minutes before its retries; nobody at a screen wants to. */
const retryAfterMs = [1_000, 2_000];

export function asynchronousInvoker(
  functions: FunctionHost,
  rulesOf: (functionArn: string) => AsynchronousRules,
  destination: (arn: string, record: string, sender: string) => void,
  report: (line: string) => void,
): AsynchronousInvoker {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        resolve();
      }, ms);
      timers.add(timer);
    });

  function begin(functionArn: string, payload: string, count: number): void {
    attempt(functionArn, payload, count).catch((cause: unknown) =>
      report(`function  ${functionArn}: ${String(cause)}`),
    );
  }

  async function attempt(functionArn: string, payload: string, count: number): Promise<void> {
    const { maxRetries, onFailure, onSuccess } = rulesOf(functionArn);
    const outcome = await invokeOnceFree(functions, functionArn, payload, pause);
    if (stopped) return;
    const failed = 'error' in outcome;
    if (failed && count <= maxRetries) {
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          begin(functionArn, payload, count + 1);
        },
        retryAfterMs[count - 1] ?? 2_000,
      );
      timers.add(timer);
      return;
    }
    const target = failed ? onFailure : onSuccess;
    if (!target) return;
    const record = {
      version: '1.0',
      timestamp: new Date().toISOString(),
      requestContext: {
        requestId: outcome.requestId,
        functionArn: `${functionArn}:$LATEST`,
        condition: failed ? 'RetriesExhausted' : 'Success',
        approximateInvokeCount: count,
      },
      requestPayload: JSON.parse(payload) as unknown,
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        ...(failed ? { functionError: 'Unhandled' } : {}),
      },
      responsePayload: failed ? outcome.error : (JSON.parse(outcome.payload) as unknown),
    };
    destination(target, JSON.stringify(record), functionName(functionArn));
  }

  return {
    invoke: (functionArn, payload) => begin(functionArn, payload, 1),
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
