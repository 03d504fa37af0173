import { Logger } from '@aws-lambda-powertools/logger';

/** JSON lines with the request id; payloads, tokens and headers never go in. */
export const logger = new Logger({ serviceName: process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'tenure' });

/** A handler whose lines carry the request id of the invocation. For functions that Lambda calls one at a time. */
export function logged<Event, Context extends { awsRequestId: string }, Result>(
  act: (event: Event, context: Context) => Promise<Result>,
) {
  return (event: Event, context: Context): Promise<Result> => {
    logger.appendKeys({ requestId: context.awsRequestId });
    return act(event, context);
  };
}
