import { randomUUID } from 'node:crypto';
import { type FunctionError, type HostedFunction, limits, type Outcome } from './function.ts';
import { type Instance, startInstance } from './instance.ts';

export interface FunctionHost {
  /**
   * Runs a function, named by ARN (a qualifier is ignored) or name, and answers its outcome: an error of the function, its timeout
   * (`Sandbox.Timedout`) and its crash (`Runtime.ExitError`) are outcomes, not exceptions. Both payloads are JSON text.
   * @throws UnknownFunction, PayloadTooLarge
   */
  invoke(arnOrName: string, payload: string): Promise<Outcome & { requestId: string }>;
  /** @throws UnknownFunction */
  arnOf(arnOrName: string): string;
  stop(): Promise<void>;
}

/** Named as Lambda's own errors, which Step Functions shows to a workflow. */
export class UnknownFunction extends Error {
  override name = 'ResourceNotFoundException';
}
export class PayloadTooLarge extends Error {
  override name = 'RequestTooLargeException';
}

/**
 * Hosts functions in worker threads, one per function, started by its first invocation. Unlike in Lambda, invocations of one function
 * share that thread: a crash ends all of them. A timeout takes the thread out of service; what still runs in it may finish.
 */
export function hostFunctions(functions: HostedFunction[], report: (line: string) => void = () => {}): FunctionHost {
  const byName = new Map<string, HostedFunction>();
  for (const hosted of functions) byName.set(hosted.name, hosted).set(hosted.arn, hosted);
  const serving = new Map<HostedFunction, Instance>();
  const alive = new Set<Instance>();

  function find(arnOrName: string): HostedFunction {
    const unqualified = arnOrName.startsWith('arn:')
      ? arnOrName.split(':').slice(0, 7).join(':')
      : arnOrName.split(':')[0];
    const hosted = byName.get(unqualified ?? '');
    if (!hosted)
      throw new UnknownFunction(
        `No function ${arnOrName}: the template has ${functions.map(({ name }) => name).join(', ')}`,
      );
    return hosted;
  }

  function instanceOf(hosted: HostedFunction): Instance {
    const present = serving.get(hosted);
    if (present?.inService()) return present;
    const fresh = startInstance(hosted, (ended) => {
      alive.delete(ended);
      if (serving.get(hosted) === ended) serving.delete(hosted);
    });
    alive.add(fresh);
    serving.set(hosted, fresh);
    return fresh;
  }

  return {
    async invoke(arnOrName, payload) {
      const hosted = find(arnOrName);
      const bytes = Buffer.byteLength(payload);
      if (bytes > limits.requestBytes) {
        throw new PayloadTooLarge(
          `The request for ${hosted.name} has ${bytes} bytes, Lambda takes ${limits.requestBytes}`,
        );
      }
      const requestId = randomUUID();
      const outcome = bounded(await instanceOf(hosted).invoke(payload, requestId));
      if ('error' in outcome) report(`function  ${hosted.name} ${summary(outcome.error)} (${hosted.logFile})`);
      return { ...outcome, requestId };
    },
    arnOf: (arnOrName) => find(arnOrName).arn,
    async stop() {
      await Promise.all([...alive].map((instance) => instance.stop()));
    },
  };
}

function bounded(outcome: Outcome): Outcome {
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
