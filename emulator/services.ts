import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { guarded } from '../cli/request-guard.ts';
import { type Answer, json, send } from './api-gateway/answer.ts';
import type { EventEntry } from './eventbridge/events.ts';
import type { Targets } from './eventbridge/targets.ts';
import { AccessDeniedError, type PermissionGuard } from './iam/guard.ts';
import type { Need } from './iam/needs.ts';
import { limits } from './lambda/function.ts';
import { type FunctionHost, PayloadTooLargeError, UnknownFunctionError } from './lambda/host.ts';
import { TooManyRequestsError } from './lambda/instances.ts';
import { close, listen } from './listener.ts';

export interface Services {
  endpoint: string;
  /** From now on calls are answered; until then they are told 503. */
  serve(functions: FunctionHost, targets: Targets): void;
  stop(): Promise<void>;
}

/** Lambda's payloads, EventBridge, SQS. */
const bodyTypes = [
  'application/octet-stream',
  'application/json',
  'application/x-amz-json-1.1',
  'application/x-amz-json-1.0',
];

/** Lambda takes less for an invocation that nobody waits for. */
const asynchronousBytes = 1_048_576;

/**
 * The few AWS calls besides tables, objects and workflows: Lambda's Invoke, EventBridge's PutEvents, SQS's SendMessage.
 */
export async function startServices(hosts: readonly string[], permissions?: PermissionGuard): Promise<Services> {
  let parts: { functions: FunctionHost; targets: Targets } | undefined;
  const server = createServer(
    guarded({ hosts, bodyTypes }, (request, response) => {
      read(request)
        .then((body) => answer(request, body))
        .catch(failure)
        .then((answered) => send(response, answered, 'local'))
        .catch(() => response.destroy());
    }),
  );

  async function answer(request: IncomingMessage, body: Buffer): Promise<Answer> {
    if (!parts) return fault(503, 'ServiceUnavailable', 'The stack is still coming up');
    const called = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(request.url ?? '')?.[1];
    const operation = String(request.headers['x-amz-target'] ?? '');
    const name = called && decodeURIComponent(called);
    const sessionToken = request.headers['x-amz-security-token']?.toString();
    permissions?.require(sessionToken, needsOfCall(name, operation, body));
    if (name) return invoke(parts, name, request, body.toString() || '{}');
    if (operation === 'AWSEvents.PutEvents') return putEvents(parts, JSON.parse(body.toString()));
    if (operation === 'AmazonSQS.SendMessage') return sendMessage(parts, JSON.parse(body.toString()));
    const what = operation || `${request.method} ${request.url}`;
    return fault(501, 'NotImplemented', `${what} does not run locally: see emulator/services.ts`);
  }

  await listen(server, 0);
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve(functions, targets) {
      parts = { functions, targets };
    },
    stop: () => close(server),
  };
}

/** Invoke names its function by name or ARN in the path, the others their target in the body. */
function needsOfCall(functionName: string | undefined, operation: string, body: Buffer): Need[] {
  if (functionName) {
    const name = functionName.replace(/^arn:.*:function:/, '').split(':')[0];
    return [{ action: 'lambda:InvokeFunction', resource: `function:${name}` }];
  }
  if (operation === 'AWSEvents.PutEvents') {
    const { Entries = [] } = JSON.parse(body.toString()) as { Entries?: EventEntry[] };
    const buses = new Set(Entries.map(({ EventBusName = 'default' }) => EventBusName.split('event-bus/').at(-1)));
    return [...buses].map((bus) => ({ action: 'events:PutEvents', resource: `event-bus/${bus}` }));
  }
  if (operation !== 'AmazonSQS.SendMessage') return [];
  const { QueueUrl } = JSON.parse(body.toString()) as { QueueUrl: string };
  return [{ action: 'sqs:SendMessage', resource: QueueUrl.split('/').at(-1) ?? '' }];
}

interface Parts {
  functions: FunctionHost;
  targets: Targets;
}

async function invoke({ functions, targets }: Parts, name: string, request: IncomingMessage, payload: string) {
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  JSON.parse(payload);
  if (type === 'Event') {
    if (Buffer.byteLength(payload) > asynchronousBytes) {
      throw new PayloadTooLargeError(
        `An asynchronous invocation takes ${asynchronousBytes} bytes, this one has ${Buffer.byteLength(payload)}`,
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
}

async function putEvents({ targets }: Parts, { Entries = [] }: { Entries?: EventEntry[] }): Promise<Answer> {
  if (Entries.length === 0 || Entries.length > 10) {
    return fault(400, 'ValidationException', `PutEvents takes 1 to 10 entries, not ${Entries.length}`);
  }
  const results = await Promise.all(Entries.map((entry) => targets.buses.putEntry(entry)));
  return json(200, { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results });
}

async function sendMessage({ targets }: Parts, message: { QueueUrl: string; MessageBody: string }): Promise<Answer> {
  const sent = await targets.queues.send(message.QueueUrl, message.MessageBody);
  if (!sent) return fault(400, 'QueueDoesNotExist', `The template has no queue ${message.QueueUrl}`);
  const MD5OfMessageBody = createHash('md5').update(message.MessageBody).digest('hex');
  return json(200, { MessageId: sent.messageId, MD5OfMessageBody });
}

function failure(cause: unknown): Answer {
  const message = String(cause instanceof Error ? cause.message : cause);
  if (cause instanceof UnknownFunctionError) return fault(404, 'ResourceNotFoundException', message);
  if (cause instanceof PayloadTooLargeError) return fault(413, 'RequestTooLargeException', message);
  if (cause instanceof AccessDeniedError) return fault(403, 'AccessDeniedException', message);
  if (cause instanceof TooManyRequestsError) return fault(429, 'TooManyRequestsException', message);
  if (cause instanceof SyntaxError) return fault(400, 'InvalidRequestContentException', message);
  return fault(500, 'ServiceException', message);
}

function fault(status: number, type: string, message: string): Answer {
  const { headers, ...rest } = json(status, { __type: type, Type: 'User', Message: message, message });
  return { ...rest, headers: { ...headers, 'x-amzn-errortype': type } };
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
