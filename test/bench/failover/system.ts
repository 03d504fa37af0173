import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { build } from 'esbuild';

/** The same for all who take part. */
export const ttlMs = 5_000;

/** Something that elects one leader among processes. */
export interface System {
  readonly name: string;
  /** Which of a leader's processes are killed, in turn; one after the other. */
  readonly ways: readonly Way[];
  readonly version: string;
  /** Starts a process that waits for its turn to lead in a group, in which nobody else of that name takes part. */
  contend(group: string, contender: string): Contender;
  /** Requests that contenders have sent since the system was started; what keeps a session alive counts as one. */
  requests(): Promise<number>;
  stop(): Promise<void>;
}

/** The contender itself, the command that it runs while it leads, both, or all its processes as a machine dies. */
export type Way = 'contender' | 'command' | 'both' | 'machine';

export interface Contender {
  readonly pid: number | undefined;
  /** Resolves with the reading of the monotonic clock when it leads, as all can see; stays pending otherwise. */
  readonly leads: Promise<number>;
  /** SIGKILL; returns the reading of the monotonic clock before it. */
  kill(way: Way): number;
  ended: Promise<unknown>;
}

/** Runs a contender's program; it leads once it has said `sign`. */
export function contender(
  command: string,
  argv: string[],
  env: Record<string, string>,
  sign: RegExp,
  onOutput: (text: string) => void = () => {},
): Contender {
  const child = spawn(command, argv, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  killWithUs(child);
  const leads = new Promise<number>((resolve) => {
    child.stdout.on('data', (chunk) => {
      const text = String(chunk);
      if (sign.test(text)) resolve(performance.now());
      onOutput(text);
    });
  });
  return {
    pid: child.pid,
    leads,
    ended,
    kill() {
      const at = performance.now();
      child.kill('SIGKILL');
      return at;
    },
  };
}

const running = new Set<ChildProcess>();
process.once('exit', killAll);

/** Contenders would continue for ever when a measurement has failed. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

export function killWithUs(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

/** Makes one file of a contender's program, which Node loads faster than the compiler would let it. */
export async function program(source: string): Promise<string> {
  const outfile = join(await mkdtemp(join(tmpdir(), 'tenure-bench-')), 'contender.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, source)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return outfile;
}

/** Tries until it answers, for at most half a minute; then throws what it threw last. */
export async function eventually<Value>(attempt: () => Promise<Value>): Promise<Value> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
