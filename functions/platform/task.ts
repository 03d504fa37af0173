import * as z from 'zod/mini';
import { isUnavailable } from '../../store/store-errors.ts';
import { logged, logger } from './logging.ts';
import { count, countViolations } from './metrics.ts';

/** A workflow names it, to try the task again. */
class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}

interface Context {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** One thing that a function does when a workflow or the schedule names it. */
export interface Task {
  /** The schema of its input. */
  readonly input: z.ZodMiniType;
  (event: unknown, context: Context): Promise<unknown>;
}

export interface TaskRules {
  /** The members of an input that log lines show: no token, no payload. */
  readonly named: (input: unknown) => object;
  /** Whether a failure is transient, in addition to those of a store that is throttled or cannot be reached. */
  readonly passes?: (cause: unknown) => boolean;
}

/** Makes tasks: each checks its input, and throws `UnavailableError` where trying again helps. */
export function tasks({ named, passes = () => false }: TaskRules) {
  countViolations();
  return <Schema extends z.ZodMiniType, Result>(
    schema: Schema,
    act: (input: z.output<Schema>, remainingMs: () => number) => Promise<Result>,
  ) =>
    Object.assign(
      logged(async (event: unknown, context: Context): Promise<Result> => {
        const input = schema.parse(event);
        try {
          const result = await act(input, () => context.getRemainingTimeInMillis());
          logger.info('done', { ...named(input), result });
          return result;
        } catch (cause) {
          logger.warn('not done', { ...named(input), error: cause as Error });
          if (!passes(cause) && !isUnavailable(cause)) throw cause;
          count('TasksPutOff');
          throw new UnavailableError('A store is throttled or cannot be reached', { cause });
        }
      }),
      { input: schema },
    );
}

const nameOnly = z.object({ task: z.string() });

/** Makes the Lambda handler of tasks: the event names one of them in `task`, next to its input. */
export function taskHandler<const All extends Readonly<Record<string, Task>>>(all: All) {
  const handler = (event: unknown, context: Context): Promise<unknown> => {
    const { task: name } = nameOnly.parse(event);
    const found: Task | undefined = Object.hasOwn(all, name) ? all[name] : undefined;
    if (!found) throw new Error(`No task "${name}" in this function; its tasks are ${Object.keys(all).join(', ')}`);
    return found(event, context);
  };
  return Object.assign(handler, { tasks: all });
}
