import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** `go install github.com/versity/versitygw/cmd/versitygw@v1.8.0`: an S3 that nobody here wrote. */
export const versitygw = process.env['TENURE_TEST_VERSITYGW'];

/** A test that moves the server's clock, looks into its folder or counts its requests needs ours. */
export const onOurs = versitygw === undefined;

const startMs = 20_000;

export async function startVersity(
  folder: string,
  { accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string },
): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const port = await freePort();
  const objects = join(folder, 'objects');
  await mkdir(objects, { recursive: true });
  const server = spawn(
    versitygw ?? '',
    ['--port', `127.0.0.1:${port}`, '--access', accessKeyId, '--secret', secretAccessKey, 'posix', objects],
    { stdio: 'ignore' },
  );
  const orphanGuard = () => server.kill();
  process.once('exit', orphanGuard);
  const endpoint = `http://127.0.0.1:${port}`;
  await listening(server, endpoint);
  return {
    endpoint,
    async stop() {
      process.off('exit', orphanGuard);
      const ended = once(server, 'exit');
      server.kill();
      await ended;
    },
  };
}

async function listening(server: ChildProcess, endpoint: string): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`versitygw ended with ${code}`)));
  });
  failed.catch(() => {});
  for (const until = Date.now() + startMs; Date.now() < until; ) {
    const answered = fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (await Promise.race([answered, failed])) return;
    await pause(50);
  }
  throw new Error(`versitygw did not answer within ${startMs / 1_000} s`);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
