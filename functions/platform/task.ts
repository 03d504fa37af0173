import type * as z from 'zod/mini';
import { logged, logger } from './logging.ts';
import { isUnavailable } from './store-errors.ts';

/** A workflow names it, to try the task again. */
class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

interface Context {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

export interface TaskRules {
  /** What log lines say of an input: no token, no payload. */
  readonly named: (input: unknown) => object;
  /** Whether a failure passes, beside those of a store that is throttled or cannot be reached. */
  readonly passes?: (cause: unknown) => boolean;
}

/** Makes the handlers of a workflow's tasks: each checks its input, and throws `Unavailable` where trying again helps. */
export function tasks({ named, passes = () => false }: TaskRules) {
  return <Schema extends z.ZodMiniType, Result>(
    schema: Schema,
    act: (input: z.output<Schema>, remainingMs: () => number) => Promise<Result>,
  ) =>
    logged(async (event: unknown, context: Context): Promise<Result> => {
      const input = schema.parse(event);
      try {
        const result = await act(input, () => context.getRemainingTimeInMillis());
        logger.info('done', { ...named(input), result });
        return result;
      } catch (cause) {
        logger.warn('not done', { ...named(input), error: cause as Error });
        if (!passes(cause) && !isUnavailable(cause)) throw cause;
        throw new Unavailable('A store is throttled or cannot be reached', { cause });
      }
    });
}
