import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { contend } from '../../../api/operations/leadership.ts';
import { runCli } from '../../../cli/main.ts';
import { TenureClient } from '../../../client/tenure-client.ts';
import { alive, family, type Watched, watch } from '../../support/processes.ts';
import { recordedShell } from '../../support/shell.ts';
import { project } from '../../support/stack.ts';

const binary = join(project, 'cli/tenure.mjs');

export const client = () => new TenureClient({ url: inject('stack').api });

let groups = 0;

/** A group that exists, as one does that somebody has led. */
export async function ledGroup(): Promise<string> {
  const group = newGroup();
  await client().call(contend, { params: { group }, body: { contenderId: 'founder', leaseMs: 1_000 } });
  return group;
}

/** A group that no other test uses. */
export function newGroup(): string {
  groups += 1;
  return `e2e-${process.pid}-${groups}-${Date.now()}`;
}

/** A folder that goes with the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'tenure-e2e-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs `tenure …` against the shared stack; nothing of it outlives the test. */
export function tenure(...argv: string[]): Watched {
  return run(process.execPath, [binary, ...argv]);
}

export function run(command: string, argv: string[]): Watched {
  const watched = watch(command, argv, { cwd: project, env: { ...process.env, TENURE_URL: inject('stack').api } });
  onTestFinished(() => end(watched));
  return watched;
}

/** Kills a process; the guard of a `tenure lead` sees to its command. Processes left after a while are killed too. */
export async function end(watched: Watched): Promise<void> {
  const started = family(watched.child.pid);
  watched.child.kill('SIGKILL');
  const leftover = setTimeout(() => {
    for (const pid of started) signal(pid, 'SIGKILL');
  }, 10_000);
  await watched.ended();
  clearTimeout(leftover);
}

/** The same within this process, for commands that only ask something. */
export async function asked(...argv: string[]): Promise<{ output: string; code: number }> {
  const { shell, both } = recordedShell({ TENURE_URL: inject('stack').api });
  const code = await runCli(argv, shell);
  return { output: both(), code };
}

/** The output and exit code of one `tenure …`. */
export async function said(...argv: string[]): Promise<{ output: string; code: number | NodeJS.Signals | null }> {
  const watched = tenure(...argv);
  const code = await watched.ended();
  return { output: watched.output(), code };
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

/** Waits until `look` answers something, at most as long as any of this may take. */
export async function eventually<Value>(
  what: string,
  look: () => Value | undefined | false | Promise<Value | undefined | false>,
  withinMs = 60_000,
) {
  const endsAt = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > endsAt) throw new Error(`This did not happen within ${withinMs / 1_000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** The confirmed leader once there is one that `wanted` accepts. */
export function leaderOf(group: string, wanted: (fencingVersion: number) => boolean = () => true) {
  return eventually(`${group} has the leader that the test waits for`, async () => {
    const { leader, fencingVersion } = await client().observe(group, { consistent: true });
    return leader && wanted(fencingVersion) && { ...leader, fencingVersion };
  });
}

/** Waits until none of these processes runs any more. */
export async function gone(pids: number[]): Promise<void> {
  await eventually('the processes are gone', () => alive(pids).length === 0);
}
