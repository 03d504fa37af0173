import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsV4Signer } from 'aws4fetch';
import { guarded } from '../../cli/request-guard.ts';
import type { CredentialsProvider } from '../../client/transport.ts';

export interface SigningProxy {
  readonly url: string;
  stop(): void;
}

/** Of a hop, or of the signature. */
const own = ['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding', 'authorization'];

/**
 * Signs what suites send without credentials, and passes it on: the black-box tests run as they are against an API that
 * asks for a signature. On loopback only.
 */
export async function startSigningProxy(
  target: string,
  { region, credentials }: { region: string; credentials: CredentialsProvider },
): Promise<SigningProxy> {
  const server = createServer(
    guarded({}, (request, response) => {
      pass(request, response).catch((cause: unknown) => {
        response.writeHead(502, { 'content-type': 'text/plain' }).end(String(cause));
      });
    }),
  );

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
    const headers = Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined || own.includes(name) ? [] : [[name, String(value)] as [string, string]],
    );
    const { method = 'GET', url = '/' } = request;
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
    const signed = await new AwsV4Signer({
      method,
      url: `${target}${url}`,
      headers,
      ...(body && { body }),
      accessKeyId,
      secretAccessKey,
      ...(sessionToken && { sessionToken }),
      service: 'execute-api',
      region,
    }).sign();
    const ending = new AbortController();
    response.once('close', () => ending.abort());
    const answer = await fetch(signed.url, {
      method,
      headers: signed.headers,
      signal: ending.signal,
      ...(body && { body }),
    });
    const answered = Object.fromEntries([...answer.headers].filter(([name]) => !hopByHop.includes(name)));
    response.writeHead(answer.status, answered).end(Buffer.from(await answer.arrayBuffer()));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** `fetch` has decoded the body and knows its length. */
const hopByHop = ['connection', 'content-encoding', 'content-length', 'transfer-encoding', 'keep-alive'];
