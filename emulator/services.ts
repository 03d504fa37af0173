import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { guarded } from '../cli/request-guard.ts';
import { type Answer, send } from './api-gateway/answer.ts';
import { putEvents } from './eventbridge/put-events.ts';
import { AccessDeniedError, type PermissionGuard } from './iam/guard.ts';
import { limits } from './lambda/function.ts';
import { PayloadTooLargeError, UnknownFunctionError } from './lambda/host.ts';
import { TooManyRequestsError } from './lambda/instances.ts';
import { invokeFunction } from './lambda/invoke.ts';
import type { Weather } from './like-aws/interference.ts';
import { close, listen } from './listener.ts';
import { type Served, type Service, type ServiceCall, serviceError } from './service.ts';
import { sendMessage } from './sqs/send-message.ts';

export interface Services {
  endpoint: string;
  /** From now on calls are answered; until then they get 503. */
  serve(served: Served): void;
  stop(): Promise<void>;
}

export interface ServicesOptions {
  hosts: readonly string[];
  /** Holds functions to their roles. */
  permissions?: PermissionGuard | undefined;
  weather?: Weather | undefined;
}

/** Lambda's payloads, EventBridge, SQS. */
const bodyTypes = [
  'application/octet-stream',
  'application/json',
  'application/x-amz-json-1.1',
  'application/x-amz-json-1.0',
];

const services: readonly Service[] = [invokeFunction, putEvents, sendMessage];

/** The few AWS calls besides tables, objects and workflows. */
export async function startServices({ hosts, permissions, weather }: ServicesOptions): Promise<Services> {
  let served: Served | undefined;
  const server = createServer(
    guarded({ hosts, bodyTypes }, (request, response) => {
      read(request)
        .then((body) => answer(request, body.toString()))
        .catch(failure)
        .then((answered) => send(response, answered, 'local'))
        .catch(() => response.destroy());
    }),
  );

  async function answer({ url = '', method, headers }: IncomingMessage, body: string): Promise<Answer> {
    if (!served) return serviceError(503, 'ServiceUnavailable', 'The stack is still coming up');
    const operation = String(headers['x-amz-target'] ?? '');
    const call: ServiceCall = { url, operation, headers, body };
    const found = services.find((service) => service.takes(call));
    if (!found) {
      const what = operation || `${method} ${url}`;
      return serviceError(501, 'NotImplemented', `${what} does not run locally: see emulator/services.ts`);
    }
    const sessionToken = headers['x-amz-security-token']?.toString();
    permissions?.require(sessionToken, found.needs(call));
    if (sessionToken !== undefined && weather?.service()) {
      return serviceError(400, 'ThrottlingException', 'Rate exceeded');
    }
    return found.answer(served, call);
  }

  await listen(server, 0);
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve(now) {
      served = now;
    },
    stop: () => close(server),
  };
}

function failure(cause: unknown): Answer {
  const message = String(cause instanceof Error ? cause.message : cause);
  if (cause instanceof UnknownFunctionError) return serviceError(404, 'ResourceNotFoundException', message);
  if (cause instanceof PayloadTooLargeError) return serviceError(413, 'RequestTooLargeException', message);
  if (cause instanceof AccessDeniedError) return serviceError(403, 'AccessDeniedException', message);
  if (cause instanceof TooManyRequestsError) return serviceError(429, 'TooManyRequestsException', message);
  if (cause instanceof SyntaxError) return serviceError(400, 'InvalidRequestContentException', message);
  return serviceError(500, 'ServiceException', message);
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= limits.requestBytes) chunks.push(chunk);
  }
  if (bytes > limits.requestBytes) throw new PayloadTooLargeError(`${bytes} bytes are above ${limits.requestBytes}`);
  return Buffer.concat(chunks);
}
