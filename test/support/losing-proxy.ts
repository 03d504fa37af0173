import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LosingProxy {
  readonly url: string;
  /** Method and path of each write whose first answer was lost, and how often it came. */
  readonly tries: ReadonlyMap<string, number>;
  stop(): void;
}

/** Of a hop. */
const own = ['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding'];

/**
 * A way to the service that loses the first answer of every write: the request is carried out, then the connection
 * breaks. A write is known by its Idempotency-Key.
 */
export async function startLosingProxy(target: string): Promise<LosingProxy> {
  const tries = new Map<string, number>();
  const keys = new Set<string>();

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = 'GET', url = '/' } = request;
    const headers = Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined || own.includes(name) ? [] : [[name, String(value)] as [string, string]],
    );
    const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {};
    const answer = await fetch(`${target}${url}`, { method, headers, ...body });
    const content = Buffer.from(await answer.arrayBuffer());
    if (method !== 'GET') {
      const name = `${method} ${url}`;
      tries.set(name, (tries.get(name) ?? 0) + 1);
      const key = String(request.headers['idempotency-key']);
      if (!keys.has(key)) {
        keys.add(key);
        response.destroy();
        return;
      }
    }
    const type = answer.headers.get('content-type') ?? 'application/json';
    response.writeHead(answer.status, { 'content-type': type }).end(content);
  }

  const server = createServer((request, response) => {
    pass(request, response).catch((cause: unknown) => {
      response.writeHead(502, { 'content-type': 'text/plain' }).end(String(cause));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tries,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
