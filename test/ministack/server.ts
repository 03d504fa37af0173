import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const startMs = 60_000;
const version = '1.5.33';

export interface MiniStack {
  readonly endpoint: string;
  /** The process group of it and of all that it starts. */
  readonly group: number;
  stop(): void;
}

/** Starts MiniStack, an emulator that nobody here wrote, bound to loopback only; `AUTH=true` has it check rights. */
export async function startMiniStack(more: Record<string, string> = {}): Promise<MiniStack> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  // As its own command starts it, but for the address.
  const server = spawn('hypercorn', ['ministack.app:app', '--bind', `127.0.0.1:${port}`], {
    stdio: 'ignore',
    // A group of its own, which ends whole: its workers and those of its functions outlive a leader that is killed.
    detached: true,
    env: { ...process.env, GATEWAY_PORT: String(port), ...more },
  });
  const orphanGuard = () => endGroup(server);
  process.once('exit', orphanGuard);
  await ready(server, endpoint);
  return {
    endpoint,
    group: server.pid ?? 0,
    stop() {
      process.off('exit', orphanGuard);
      // Its graceful end waits for connections that clients keep open.
      endGroup(server);
    },
  };
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function ready(server: ChildProcess, endpoint: string): Promise<void> {
  const missing = `pip install ministack==${version}`;
  const failed = new Promise<never>((_, reject) => {
    server.once('error', () => reject(new Error(`MiniStack is missing: ${missing}`)));
    server.once('exit', (code) => reject(new Error(`MiniStack ended with ${code}: ${missing}`)));
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
