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
    const { stdout } = await run(
      process.execPath,
      [
        '--expose-gc',
        join(import.meta.dirname, 'upload-memory.mjs'),
        `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        String(sizes.jobs.uploadMiB),
      ],
      {
        env: {
          ...process.env,
          TENURE_GROUP: 'memory',
          TENURE_FENCING_VERSION: String(leader.fencingVersion),
          TENURE_SESSION_ID: leader.sessionId,
        },
      },
    );
    const { byUpload, byBoth, bytes } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(bytes).toBe(sizes.jobs.uploadMiB * 1024 ** 2);
    expect(byUpload).toBeLessThanOrEqual(64);
    expect(byBoth).toBeLessThanOrEqual(64);
  } finally {
    server.closeAllConnections();
    server.close();
    await world.close();
  }
}, 900_000);
