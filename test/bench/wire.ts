import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import {
  refusedUnits,
  type SizeOf,
  storedSizes,
  type Target,
  type TransactionInput,
  transactionUnits,
} from '../support/capacity.ts';
import { localDynamoDb } from '../support/main-table.ts';

/** The cost of a piece of work in DynamoDB. */
export interface Spent {
  requests: number;
  /** As AWS charges them, not as DynamoDB Local reports them. */
  readUnits: number;
  writeUnits: number;
}

export interface Wire {
  /** Where the clients to be counted send their requests. */
  endpoint: string;
  /** Total cost of all clients since the wire began. */
  spent(): Spent;
  /** The requests sent while this ran; nothing else may use the wire meanwhile. */
  during(work: () => Promise<unknown>): Promise<Spent>;
  stop(): Promise<void>;
}

const reads = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems']);

/**
 * Stands before DynamoDB Local and counts every request and its capacity, retries too, whichever client, version or
 * process sends it. The signature is not checked behind it, so each request is made to ask for its capacity.
 */
export async function openWire(dynamodb: string): Promise<Wire> {
  const total: Spent = { requests: 0, readUnits: 0, writeUnits: 0 };
  const reader = localDynamoDb(dynamodb);
  const sizeOf = storedSizes(reader);
  const relay = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? '';
    const input = JSON.parse((await buffer(incoming)).toString() || '{}');
    const asked = Buffer.from(JSON.stringify({ ...input, ReturnConsumedCapacity: 'TOTAL' }));
    const headers = { ...incoming.headers, 'content-length': String(asked.length) };
    const onward = request(dynamodb, { method: 'POST', path: incoming.url, headers });
    onward.end(asked);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      onward.once('response', resolve).once('error', reject);
    });
    const body = await buffer(answer);
    total.requests += 1;
    const units = await charged(operation, input, JSON.parse(body.toString()), sizeOf);
    total[reads.has(operation) ? 'readUnits' : 'writeUnits'] += units;
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(body);
  };
  const server = createServer((incoming, outgoing) => {
    relay(incoming, outgoing).catch((error: Error) => outgoing.destroy(error));
  });
  // An idle connection that ends here as a request arrives would be a failure that no store has caused.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const spent = () => ({ ...total });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spent,
    async during(work) {
      const before = spent();
      await work();
      return {
        requests: total.requests - before.requests,
        readUnits: total.readUnits - before.readUnits,
        writeUnits: total.writeUnits - before.writeUnits,
      };
    },
    stop: () =>
      new Promise((resolve) => {
        reader.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Output {
  ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
  __type?: string;
}

/**
 * The units that AWS charges for one request. A transaction and a refused write are counted by AWS's rule; for the
 * rest DynamoDB Local reports what AWS does.
 */
export async function charged(
  operation: string,
  input: TransactionInput & Partial<Target>,
  { ConsumedCapacity, __type }: Output,
  sizeOf: SizeOf,
): Promise<number> {
  if (operation === 'TransactWriteItems') return transactionUnits(input, sizeOf);
  if (/(^|#)ConditionalCheckFailedException$/.test(__type ?? '')) return refusedUnits(input as Target, sizeOf);
  return [ConsumedCapacity ?? []].flat().reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
}
