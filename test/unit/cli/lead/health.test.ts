import { request } from 'node:http';
import { createServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Health, healthAddress } from '../../../../cli/lead/health.ts';
import { leading } from './leading.ts';

const loopback = { host: '127.0.0.1', port: 0 };

function ask(
  url: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, agent: false }, async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode, body });
    })
      .on('error', reject)
      .end();
  });
}

test('an address is a host and a port, or a port alone for all addresses', () => {
  expect(healthAddress(':8080')).toEqual({ host: undefined, port: 8080 });
  expect(healthAddress('127.0.0.1:80')).toEqual({ host: '127.0.0.1', port: 80 });
  expect(healthAddress('[::1]:8080')).toEqual({ host: '::1', port: 8080 });
  for (const given of ['8080', 'host:', ':99999', 'http://host:80', '::1:80'])
    expect(() => healthAddress(given), given).toThrow(`--health is "${given}"`);
});

test('503 until the term is confirmed, 200 while it leads, 503 once its lease has run out; /live is 200 all the time', async () => {
  const health = new Health('orders');
  onTestFinished(() => health.end());
  const url = await health.listen(loopback);
  const states: unknown[] = [];
  const look = async () => {
    const [{ status, body }, live] = [await ask(`${url}/`), await ask(`${url}/live`)];
    expect(live.status).toBe(200);
    states.push({ status, ...JSON.parse(body) });
  };
  await look();
  let leads = true;
  health.confirmed({ fencingVersion: 7, isLeader: () => leads } as never);
  await look();
  leads = false;
  await look();
  expect(states).toEqual([
    { status: 503, group: 'orders', leading: false, fencingVersion: null },
    { status: 200, group: 'orders', leading: true, fencingVersion: 7 },
    { status: 503, group: 'orders', leading: false, fencingVersion: null },
  ]);
  expect(await ask(url, 'HEAD')).toEqual({ status: 503, body: '' });
  expect((await ask(url, 'POST')).status).toBe(405);
});

test('answers whom the guard of all listeners lets in: probes by address or configured name, no page', async () => {
  const health = new Health('orders', ['lb.internal']);
  onTestFinished(() => health.end());
  const url = await health.listen(loopback);
  const statusOf = async (headers: Record<string, string>) => (await ask(`${url}/live`, 'GET', headers)).status;
  // Kubelet and the load balancers of AWS send the address and port of the target.
  for (const host of ['10.1.2.3:8081', '[fd00::7]:8081', '127.0.0.1:8081', 'localhost', 'lb.internal:80'])
    expect([host, await statusOf({ host })]).toEqual([host, 200]);
  for (const host of ['evil.example', 'evil.example:8081', '10.1.2.3.evil.example', '2130706433'])
    expect([host, await statusOf({ host })]).toEqual([host, 403]);
  const host = '10.1.2.3:8081';
  for (const page of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://10.1.2.3:3000' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'script' },
  ])
    expect([page, await statusOf({ host, ...page })]).toEqual([page, 403]);
  const posted = await ask(url, 'POST', { 'content-type': 'text/plain', 'content-length': '0' });
  expect(posted.status).toBe(405);
  expect((await ask(url, 'GET', { host: 'evil.example' })).body).toContain('allow the name with --allow-host evil');
});

test('a port that is taken is refused in the words of the command line', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  const taken = new Health('orders').listen({ host: '127.0.0.1', port });
  await expect(taken).rejects.toThrow(`--health 127.0.0.1:${port}: the port is in use.`);
});

test('tenure lead shows its term once it is confirmed, and not after its command has ended', async () => {
  const health = new Health('orders');
  onTestFinished(() => health.end());
  const url = await health.listen(loopback);
  const { time, events, start } = leading({ health, leaseMs: 600_000, command: ['sh', '-c', 'exec sleep 600'] });
  expect((await ask(url)).status).toBe(503);
  const led = start();
  led.catch(() => {});
  await time.advance(0);
  await vi.waitFor(() => expect(events()).toEqual(['granted 1', 'confirmed 1']), 20_000);
  expect(await ask(url)).toMatchObject({ status: 200, body: expect.stringContaining('"fencingVersion":1') });
  process.listeners('SIGTERM').at(-1)?.('SIGTERM');
  await vi.waitFor(() => expect(events().at(-1)).toBe('ended'), 20_000);
  expect((await ask(url)).status).toBe(503);
  await time.advance(0);
  await expect(led).rejects.toMatchObject({ code: 143 });
});
