import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fault, Interference } from '../like-aws/interference.ts';
import { close, listen } from '../listener.ts';
import type { Part } from '../parts.ts';
import { guarded } from '../request-guard.ts';

export interface Front extends Part {
  endpoint: string;
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Buffer | string;
}

interface Body {
  TableName?: string;
  TransactItems?: object[];
}

const bodyTypes = ['application/x-amz-json-1.0'];
const kept = ['content-type', 'x-amzn-requestid', 'x-amz-crc32'];
const itemWrites = ['PutItem', 'UpdateItem', 'DeleteItem'];

/** Stands in front of DynamoDB Local, which never throttles, conflicts or loses an answer, and does these for functions. */
export async function startFront(target: string, hosts: readonly string[], interference: Interference): Promise<Front> {
  const server = createServer(
    guarded({ hosts, bodyTypes }, (request, response) => {
      respond(target, interference, request).then(
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
  interference: Interference,
  request: IncomingMessage,
): Promise<Answer | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const fault = faultOf(interference, request, body);
  if (fault === 'throttle') return problem('ThrottlingException', 'Rate of requests exceeds the allowed throughput.');
  if (fault === 'conflict') return conflict(JSON.parse(body.toString()) as Body);
  const answer = await forward(target, request, body);
  return fault === 'answer lost' ? undefined : answer;
}

/** A function's credentials are temporary ones. */
function faultOf(interference: Interference, { headers }: IncomingMessage, body: Buffer): Fault | undefined {
  const [service, operation = ''] = String(headers['x-amz-target']).split('.');
  if (headers['x-amz-security-token'] === undefined || !service?.startsWith('DynamoDB_')) return undefined;
  const { TableName = 'tables' } = JSON.parse(body.toString()) as Body;
  const writes = operation === 'TransactWriteItems' ? 'transaction' : itemWrites.includes(operation) ? 'item' : 'none';
  return interference.next(TableName, writes);
}

async function forward(target: string, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const { host, connection, 'content-length': length, ...headers } = request.headers as Record<string, string>;
  const answer = await fetch(`${target}${request.url}`, { method: request.method ?? 'POST', headers, body });
  const passed = [...answer.headers].filter(([name]) => kept.includes(name));
  return { status: answer.status, headers: Object.fromEntries(passed), body: Buffer.from(await answer.arrayBuffer()) };
}

function conflict({ TransactItems = [] }: Body): Answer {
  if (TransactItems.length === 0) return problem('TransactionConflictException', 'Transaction is ongoing for the item');
  const reasons = TransactItems.map((_, at) => (at === 0 ? 'TransactionConflict' : 'None'));
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.join(', ')}]`;
  const CancellationReasons = reasons.map((Code) => ({
    Code,
    ...(Code === 'None' ? {} : { Message: 'Transaction is ongoing for the item' }),
  }));
  return problem('TransactionCanceledException', message, { CancellationReasons });
}

function problem(code: string, message: string, more: object = {}): Answer {
  return {
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message, Message: message, ...more }),
  };
}
