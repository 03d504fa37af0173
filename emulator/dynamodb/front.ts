import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { guarded } from '../../cli/request-guard.ts';
import { AccessDeniedError, type PermissionGuard } from '../iam/guard.ts';
import { type DynamoDbInput, needsOfDynamoDb } from '../iam/needs.ts';
import type { Interference } from '../like-aws/interference.ts';
import { close, listen } from '../listener.ts';
import type { Part } from '../parts.ts';

export interface Front extends Part {
  endpoint: string;
}

export interface FrontOptions {
  hosts: readonly string[];
  permissions?: PermissionGuard | undefined;
  interference?: Interference | undefined;
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer | string;
}

/** DynamoDB Local closes a connection that has been idle for 30 s. */
const connections = new Agent({ keepAlive: true, timeout: 15_000 });
const bodyTypes = ['application/x-amz-json-1.0'];
const kept = ['content-type', 'x-amzn-requestid', 'x-amz-crc32'];
const itemWrites = ['PutItem', 'UpdateItem', 'DeleteItem'];

/**
 * Stands in front of DynamoDB Local, which knows no permissions, never throttles, conflicts or loses an answer:
 * functions meet all here.
 */
export async function startFront(target: string, options: FrontOptions): Promise<Front> {
  const server = createServer(
    guarded({ hosts: options.hosts, bodyTypes }, (request, response) => {
      respond(target, options, request).then(
        (answer) => (answer ? response.writeHead(answer.status, answer.headers).end(answer.body) : response.destroy()),
        () => response.destroy(),
      );
    }),
  );
  server.keepAliveTimeout = 60_000;
  await listen(server, 0);
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => close(server),
  };
}

/** Undefined for an answer that is lost. */
async function respond(
  target: string,
  { permissions, interference }: FrontOptions,
  request: IncomingMessage,
): Promise<Answer | undefined> {
  const body = await contentOf(request);
  const call = callOf(request, body);
  if (!call) return forward(target, request, body);
  try {
    permissions?.require(call.sessionToken, needsOfDynamoDb(call.operation, call.input));
  } catch (cause) {
    if (cause instanceof AccessDeniedError) return problem(`com.amazon.coral.service#${cause.name}`, cause.message);
    throw cause;
  }
  const fault = interference?.next(call.input.TableName ?? 'tables', writesOf(call.operation));
  if (fault === 'throttle') return problem(`${model}ThrottlingException`, 'The rate of requests is above the limit.');
  if (fault === 'conflict') return conflict(call.input);
  const answer = await forward(target, request, body);
  return fault === 'answer lost' ? undefined : answer;
}

interface Call {
  operation: string;
  input: DynamoDbInput;
  sessionToken: string;
}

/** A call of a function, whose credentials are temporary ones; streams are read by the stack itself. */
function callOf({ headers }: IncomingMessage, body: Buffer): Call | undefined {
  const [service, operation = ''] = String(headers['x-amz-target']).split('.');
  const sessionToken = headers['x-amz-security-token'];
  if (typeof sessionToken !== 'string' || !service?.startsWith('DynamoDB_')) return undefined;
  return { operation, input: JSON.parse(body.toString()) as DynamoDbInput, sessionToken };
}

function writesOf(operation: string) {
  if (operation === 'TransactWriteItems') return 'transaction';
  return itemWrites.includes(operation) ? 'item' : 'none';
}

/** By Node's own client on connections that are kept: fetch took three times the processor time of it. */
function forward(target: string, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const { host, connection, ...headers } = request.headers;
  return new Promise((resolve, reject) => {
    const options = { method: request.method, headers, agent: connections };
    const forwarded = httpRequest(`${target}${request.url}`, options, (answer) => {
      const passed = kept.flatMap((name) => (answer.headers[name] ? [[name, String(answer.headers[name])]] : []));
      const { statusCode: status = 502 } = answer;
      contentOf(answer).then(
        (content) => resolve({ status, headers: Object.fromEntries(passed), body: content }),
        reject,
      );
    });
    forwarded.on('error', reject);
    forwarded.end(body);
  });
}

function contentOf(message: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => resolve(Buffer.concat(chunks)));
    message.on('error', reject);
  });
}

const model = 'com.amazonaws.dynamodb.v20120810#';

function conflict({ TransactItems = [] }: DynamoDbInput): Answer {
  const Message = 'Transaction is ongoing for the item';
  if (TransactItems.length === 0) return problem(`${model}TransactionConflictException`, Message);
  const codes = TransactItems.map((_, at) => (at === 0 ? 'TransactionConflict' : 'None'));
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes.join(', ')}]`;
  const CancellationReasons = codes.map((Code) => (Code === 'None' ? { Code } : { Code, Message }));
  return problem(`${model}TransactionCanceledException`, message, { CancellationReasons });
}

function problem(type: string, message: string, more: object = {}): Answer {
  return {
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify({ __type: type, message, Message: message, ...more }),
  };
}
