import type { Answer } from '../api-gateway/answer.ts';
import { needOfInvoke } from '../iam/needs.ts';
import type { Service, ServiceCall } from '../service.ts';
import { PayloadTooLargeError } from './host.ts';

/** Lambda takes less for an invocation that nobody waits for. */
const asynchronousBytes = 1_048_576;

/** The function in the path, by name or ARN. */
function calledIn({ url }: ServiceCall): string | undefined {
  const name = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(url)?.[1];
  return name && decodeURIComponent(name);
}

/** Lambda's Invoke: for its answer, asynchronously, or dry. */
export const invokeFunction: Service = {
  takes: (call) => calledIn(call) !== undefined,

  needs: (call) => [needOfInvoke(calledIn(call) ?? '')],

  async answer({ functions, targets }, call): Promise<Answer> {
    const name = calledIn(call) ?? '';
    const payload = call.body || '{}';
    const type = call.headers['x-amz-invocation-type'] ?? 'RequestResponse';
    JSON.parse(payload);
    if (type === 'Event') {
      const bytes = Buffer.byteLength(payload);
      if (bytes > asynchronousBytes) {
        throw new PayloadTooLargeError(
          `An asynchronous invocation takes ${asynchronousBytes} bytes, this one has ${bytes}`,
        );
      }
      targets.asynchronous.invoke(functions.arnOf(name), payload);
      return { status: 202, headers: {}, body: Buffer.alloc(0) };
    }
    if (type === 'DryRun') return { status: 204, headers: {}, body: Buffer.alloc(0) };
    const outcome = await functions.invoke(name, payload);
    const text = 'payload' in outcome ? outcome.payload : JSON.stringify(outcome.error);
    return {
      status: 200,
      headers: {
        'content-type': 'application/json',
        'x-amz-executed-version': '$LATEST',
        ...('error' in outcome ? { 'x-amz-function-error': 'Unhandled' } : {}),
      },
      body: Buffer.from(text),
    };
  },
};
