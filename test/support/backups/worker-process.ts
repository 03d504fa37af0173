import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Watched, watch } from '../processes.ts';
import { project } from '../stack.ts';

/** `tenure worker` as a standby runs it. */
export function startWorker(url: string, group: string, ...options: string[]): Watched {
  const argv = [join(project, 'cli/tenure.mjs'), 'worker', '--group', group, '--id', 'standby', ...options];
  return watch(process.execPath, argv, { cwd: project, env: { ...process.env, TENURE_URL: url } });
}

/** The most memory that a running process has had resident so far, MiB. */
export function mostResidentMiB({ child }: Watched): number {
  const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) / 1024;
}
