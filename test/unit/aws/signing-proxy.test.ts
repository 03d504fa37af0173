import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startSigningProxy } from '../../aws/signing-proxy.ts';

/** An API that notes what it receives. */
async function recording() {
  const received: {
    method?: string | undefined;
    url?: string | undefined;
    headers: IncomingHttpHeaders;
    body: string;
  }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method, url, headers } = request;
    received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(409, { 'content-type': 'application/problem+json' }).end('{"code":"leadership_lost"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy = await startSigningProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}/live`, {
    region: 'eu-west-1',
    credentials: async () => ({ accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'session' }),
  });
  onTestFinished(() => {
    proxy.stop();
    server.close();
  });
  return { received, proxy };
}

test('a request without a signature continues with one, its body, headers and answer unchanged', async () => {
  const { received, proxy } = await recording();
  const answer = await fetch(`${proxy.url}/v1/groups/g?x=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'fencing-version': '7', authorization: 'of the test' },
    body: '{"a":1}',
  });
  expect([answer.status, await answer.text()]).toEqual([409, '{"code":"leadership_lost"}']);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(received).toEqual([
    {
      method: 'POST',
      url: '/live/v1/groups/g?x=1',
      body: '{"a":1}',
      headers: expect.objectContaining({
        'fencing-version': '7',
        'x-amz-security-token': 'session',
        authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\/execute-api\/aws4/),
      }),
    },
  ]);
});

test('a page of a browser is not signed for', async () => {
  const { received, proxy } = await recording();
  const answer = await fetch(`${proxy.url}/v1/groups`, { headers: { origin: 'https://elsewhere.example' } });
  expect(answer.status).toBe(403);
  expect(received).toEqual([]);
});
