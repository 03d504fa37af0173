import type { FunctionHost } from './host.ts';
import { TooManyRequestsError } from './instances.ts';

const tries = 1_000;

/**
 * Invokes as Lambda does for itself: an invocation that the account's limit refused is tried again, and counts as none.
 */
export async function invokeOnceFree(
  functions: Pick<FunctionHost, 'invoke'>,
  arn: string,
  payload: string,
  pause: (ms: number) => Promise<void>,
): ReturnType<FunctionHost['invoke']> {
  for (let tried = 1; tried < tries; tried += 1) {
    try {
      return await functions.invoke(arn, payload);
    } catch (cause) {
      if (!(cause instanceof TooManyRequestsError)) throw cause;
      await pause(Math.min(50 * tried, 1_000));
    }
  }
  return functions.invoke(arn, payload);
}
