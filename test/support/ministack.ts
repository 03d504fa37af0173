import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';

const startMs = 60_000;

/**
 * Starts MiniStack, an emulator that nobody here wrote, for `npm run test:emulator`: every test file makes its own
 * tables in it.
 */
export default async function setup(project: TestProject) {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  // As its own command starts it, but bound to loopback only.
  const server = spawn('hypercorn', ['ministack.app:app', '--bind', `127.0.0.1:${port}`], {
    stdio: 'ignore',
    env: { ...process.env, GATEWAY_PORT: String(port) },
  });
  await ready(server, endpoint);
  project.provide('dynamodb', endpoint);
  project.provide('store', 'MiniStack');
  return () => {
    server.kill();
  };
}

async function ready(server: ChildProcess, endpoint: string): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    server.once('error', () => reject(new Error('MiniStack is missing: pip install ministack==1.5.33')));
    server.once('exit', (code) => reject(new Error(`MiniStack ended with ${code}: pip install ministack==1.5.33`)));
  });
  failed.catch(() => {});
  const until = Date.now() + startMs;
  while (Date.now() < until) {
    const answered = fetch(`${endpoint}/_ministack/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (await Promise.race([answered, failed])) return;
    await pause(200);
  }
  throw new Error(`MiniStack did not answer within ${startMs / 1_000} s`);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
