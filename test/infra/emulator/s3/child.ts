import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ChildServer {
  endpoint: string;
  /** The most memory (RSS) that the process had so far. */
  peakMiB(): Promise<number>;
  /** SIGKILL: no chance to tidy up. */
  kill(): Promise<void>;
}

/** Starts the S3 server in a process of its own. */
export async function startChildServer(folder: string): Promise<ChildServer> {
  const script = fileURLToPath(new URL('./server-process.ts', import.meta.url));
  const child = fork(script, [folder], { execArgv: ['--import', 'tsx'] });
  const { endpoint } = await answer<{ endpoint: string }>(child);
  return {
    endpoint,
    async peakMiB() {
      const answered = answer<{ peakMiB: number }>(child);
      child.send('peak');
      return (await answered).peakMiB;
    },
    async kill() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the S3 server process ended with code ${code} before it answered`);
  });
  const [message] = await Promise.race([once(child, 'message'), ended]);
  return message as T;
}
