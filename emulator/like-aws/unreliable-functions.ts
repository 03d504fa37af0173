import type { FunctionHost } from '../lambda/host.ts';
import { TooManyRequestsError } from '../lambda/instances.ts';
import type { Weather } from './interference.ts';

/**
 * Functions that Lambda throttles, or that run into their timeout after they did their work: nobody learns what it
 * came to. Neither takes the time that it takes in AWS.
 */
export function unreliableFunctions(functions: FunctionHost, weather: Weather): FunctionHost {
  return {
    ...functions,
    async invoke(arnOrName, payload) {
      const fault = weather.invocation();
      if (fault === 'throttle') throw new TooManyRequestsError('Rate Exceeded.');
      const outcome = await functions.invoke(arnOrName, payload);
      if (fault === undefined) return outcome;
      const { requestId } = outcome;
      const errorMessage = `RequestId: ${requestId} Error: Task timed out (in a storm)`;
      return { requestId, error: { errorType: 'Sandbox.Timedout', errorMessage } };
    },
  };
}
