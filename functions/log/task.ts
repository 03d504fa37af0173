/** What the functions of the recovery's workflow have in common. */
import * as z from 'zod';
import { logged, logger } from '../platform/logging.ts';
import { name } from '../platform/schema.ts';
import { isUnavailable } from '../platform/store-errors.ts';
import { Unreachable } from './quorum.ts';

const position = z.int().min(-1);
export const replicaInput = z.object({ group: name, log: name, replica: z.string() });
export const range = z.object({ from: position, to: position, fillTo: position, salvage: z.literal(true).optional() });

class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

interface Context {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** A handler that checks its input and names what the workflow may try again: `Unavailable`. */
export function task<Schema extends z.ZodType, Result>(
  schema: Schema,
  act: (input: z.output<Schema>, remainingMs: () => number) => Promise<Result>,
) {
  return logged(async (event: unknown, context: Context): Promise<Result> => {
    const input = schema.parse(event);
    try {
      const result = await act(input, () => context.getRemainingTimeInMillis());
      logger.info('done', { input, result });
      return result;
    } catch (cause) {
      logger.warn('not done', { input, error: cause as Error });
      if (!(cause instanceof Unreachable) && !isUnavailable(cause)) throw cause;
      throw new Unavailable('A store is throttled or cannot be reached', { cause });
    }
  });
}
