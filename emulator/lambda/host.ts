import { randomUUID } from 'node:crypto';
import { type FunctionError, type HostedFunction, limits, type Outcome } from './function.ts';
import { type Instances, sharedInstances } from './instances.ts';

export interface FunctionHost {
  /**
   * Runs a function, named by ARN (a qualifier is ignored) or name, and answers its outcome: an error of the function,
   * its timeout (`Sandbox.Timedout`) and its crash (`Runtime.ExitError`) are outcomes, not exceptions. Both payloads
   * are JSON text.
   * @throws UnknownFunctionError, PayloadTooLargeError, TooManyRequestsError
   */
  invoke(arnOrName: string, payload: string): Promise<Outcome & { requestId: string }>;
  /** @throws UnknownFunctionError */
  arnOf(arnOrName: string): string;
  stop(): Promise<void>;
}

/** Named as Lambda's own errors, which Step Functions shows to a workflow. */
export class UnknownFunctionError extends Error {
  override name = 'ResourceNotFoundException';
}
export class PayloadTooLargeError extends Error {
  override name = 'RequestTooLargeException';
}

/**
 * Hosts functions in worker threads, started by their first invocation. By default invocations of one function share
 * its thread, unlike in Lambda: a crash ends all of them; a timeout takes the thread out of service, and what still
 * runs in it may finish.
 */
export function hostFunctions(
  functions: HostedFunction[],
  report: (line: string) => void = () => {},
  instances: Instances = sharedInstances(),
): FunctionHost {
  const byName = new Map<string, HostedFunction>();
  for (const hosted of functions) byName.set(hosted.name, hosted).set(hosted.arn, hosted);

  function find(arnOrName: string): HostedFunction {
    const unqualified = arnOrName.startsWith('arn:')
      ? arnOrName.split(':').slice(0, 7).join(':')
      : arnOrName.split(':')[0];
    const hosted = byName.get(unqualified ?? '');
    if (!hosted)
      throw new UnknownFunctionError(
        `No function ${arnOrName}: the template has ${functions.map(({ name }) => name).join(', ')}`,
      );
    return hosted;
  }

  return {
    async invoke(arnOrName, payload) {
      const hosted = find(arnOrName);
      const bytes = Buffer.byteLength(payload);
      if (bytes > limits.requestBytes) {
        throw new PayloadTooLargeError(
          `The request for ${hosted.name} has ${bytes} bytes, Lambda takes ${limits.requestBytes}`,
        );
      }
      const requestId = randomUUID();
      const instance = instances.acquire(hosted);
      const outcome = limitAnswer(
        await instance.invoke(payload, requestId).finally(() => instances.release(hosted, instance)),
      );
      if ('error' in outcome) report(`function  ${hosted.name} ${summary(outcome.error)} (${hosted.logFile})`);
      return { ...outcome, requestId };
    },
    arnOf: (arnOrName) => find(arnOrName).arn,
    stop: () => instances.stop(),
  };
}

function limitAnswer(outcome: Outcome): Outcome {
  if ('error' in outcome || Buffer.byteLength(outcome.payload) <= limits.answerBytes) return outcome;
  return {
    error: {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: `Response payload size exceeded maximum allowed payload size (${limits.answerBytes} bytes).`,
    },
  };
}

function summary({ errorType, errorMessage }: FunctionError): string {
  return `failed: ${errorType}: ${errorMessage.split('\n')[0]?.slice(0, 200)}`;
}
