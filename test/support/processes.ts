import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program that a test runs and watches. */
export interface Watched {
  child: ChildProcess;
  output(): string;
  /** Waits until the output has this, or throws with all of it when the program ends before. */
  says(text: string): Promise<void>;
  /** The exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null>;
}

export function watch(command: string, argv: string[], options: SpawnOptions = {}): Watched {
  const child = spawn(command, argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const exit = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output += chunk;
  });
  const orphanGuard = () => child.kill('SIGKILL');
  process.once('exit', orphanGuard);
  child.once('exit', () => process.off('exit', orphanGuard));
  return {
    child,
    output: () => output,
    async says(text) {
      while (!output.includes(text)) {
        if (child.exitCode !== null || child.signalCode !== null) {
          await exit;
          if (output.includes(text)) return;
          throw new Error(
            `The program ended with ${child.exitCode ?? child.signalCode} before it said "${text}":\n${output}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async ended() {
      const [code, signal] = await exit;
      return code ?? signal;
    },
  };
}

/** A process and all that descend from it, by process id. */
export function family(root: number | undefined): number[] {
  const children = new Map<number, number[]>();
  for (const line of execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')) {
    const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = root ? [root] : [];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** Those of them that still run, with what they run. */
export function alive(pids: number[]): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' }).trim().split('\n');
  return lines.filter((line) => {
    const [pid, state = ''] = line.trim().split(/\s+/);
    return pids.includes(Number(pid)) && !state.startsWith('Z');
  });
}
