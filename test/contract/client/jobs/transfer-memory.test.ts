import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { sizes } from '../../../sizes.ts';
import { openJobWorld } from '../../../support/job-world.ts';

const run = promisify(execFile);

test(`a stream of ${sizes.jobs.uploadMiB} MiB is uploaded, and read back, in at most 64 MiB of memory`, async () => {
  const world = await openJobWorld(inject('dynamodb'));
  const api = world.process();
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const { method = '', headers } = request;
    const init = {
      method,
      headers: headers as Record<string, string>,
      ...(pieces.length ? { body: Buffer.concat(pieces) } : {}),
    };
    const answer = await api.fetch(`http://tenure.local${request.url}`, init);
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const leader = await world.lead('memory', 3_600_000);
    const env = {
      ...process.env,
      TENURE_GROUP: 'memory',
      TENURE_FENCING_VERSION: String(leader.fencingVersion),
      TENURE_SESSION_ID: leader.sessionId,
    };
    const program = join(import.meta.dirname, 'transfer-memory.mjs');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // Each in a process of its own, so that the garbage of the one does not count for the other.
    const transfer = async (direction: 'upload' | 'download') => {
      const args = ['--expose-gc', program, url, direction, String(sizes.jobs.uploadMiB)];
      const { stdout } = await run(process.execPath, args, { env });
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    };
    for (const direction of ['upload', 'download'] as const) {
      const { grownMiB, bytes } = await transfer(direction);
      expect(bytes).toBe(sizes.jobs.uploadMiB * 1024 ** 2);
      expect(grownMiB).toBeLessThanOrEqual(64);
    }
  } finally {
    server.closeAllConnections();
    server.close();
    await world.close();
  }
}, 900_000);
