import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import type { App } from './http.ts';

type HttpApiEvent = Extract<LambdaEvent, { rawPath: string }>;

/** Makes the Lambda handler of an application. No GET needs a body, and the adapter has no answer for one: it is left out. */
export function lambdaHandler(app: App) {
  const respond = handle(app);
  return (event: HttpApiEvent, context?: LambdaContext) => {
    const { method } = event.requestContext.http;
    return respond(method === 'GET' || method === 'HEAD' ? { ...event, body: null } : event, context);
  };
}
