import { type ChildProcess, spawn } from 'node:child_process';
import { untilServing } from '../support/foreign-server.ts';
import { freePort } from '../support/free-port.ts';

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
  const hint = `: pip install ministack==${version}`;
  await untilServing({ server, name: 'MiniStack', ms: startMs, hint }, async () => {
    const { ok, status } = await fetch(`${endpoint}/_ministack/health`);
    if (!ok) throw new Error(`Its health is ${status}`);
  });
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
