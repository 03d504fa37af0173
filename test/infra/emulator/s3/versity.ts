import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { endServer, untilServing } from '../../../support/foreign-server.ts';
import { freePort } from '../../../support/free-port.ts';

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
  await untilServing({ server, name: 'versitygw', ms: startMs }, () => fetch(endpoint));
  return {
    endpoint,
    async stop() {
      process.off('exit', orphanGuard);
      await endServer(server);
    },
  };
}
