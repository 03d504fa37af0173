/** Shell commands as the hooks of a worker. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { BackupHooks, Positions, SnapshotRequest } from '../../client/backups/hooks.ts';
import { systemTime } from '../../client/time.ts';
import { guardCommand } from '../lead/guard-process.ts';

export interface HookCommands {
  readonly onSuspend?: string | undefined;
  readonly snapshot?: string | undefined;
  readonly onResume?: string | undefined;
  /** How long --on-suspend and --on-resume may run, ms. */
  readonly timeoutMs: number;
  readonly env: NodeJS.ProcessEnv;
  /** Called when a command runs that nothing would end if this process were killed. */
  readonly onUnguarded: (error: Error) => void;
}

type Surroundings = Pick<HookCommands, 'env' | 'onUnguarded'>;
type Child = ChildProcessByStdio<null, Readable, null>;

const graceMs = 5_000;
const longestOutput = 64 * 1024;
const pieceBytes = 256 * 1024;

/** A command that did not exit with 0; `code` becomes the backup's error `worker_hook_failed`. */
export class HookError extends Error {
  override readonly name = 'HookError';
  readonly code = 'HOOK_FAILED';
}

/** The hooks for the commands that are given; a hook without a command stays undefined. */
export function commandHooks(commands: HookCommands): Pick<BackupHooks, 'suspend' | 'snapshot' | 'resume'> {
  const { onSuspend, snapshot, onResume, timeoutMs } = commands;
  return {
    ...(onSuspend !== undefined && {
      suspend: async () => positionsIn(await output('--on-suspend', onSuspend, commands, timeoutMs)),
    }),
    ...(onResume !== undefined && {
      resume: async () => void (await output('--on-resume', onResume, commands, timeoutMs)),
    }),
    ...(snapshot !== undefined && { snapshot: (request) => pieces(snapshot, request, commands) }),
  };
}

/** The command's output, at most 64 KiB. */
async function output(option: string, command: string, surroundings: Surroundings, timeoutMs: number): Promise<string> {
  const child = start(command, surroundings);
  const { signal, done } = timeLimit(timeoutMs);
  const stop = () => stopGroup(child);
  signal.addEventListener('abort', stop, { once: true });
  try {
    let text = '';
    for await (const piece of child.stdout) text = `${text}${piece}`.slice(0, longestOutput + 1);
    await exit(option, child);
    if (text.length > longestOutput) throw new HookError(`${option} printed more than ${longestOutput} characters`);
    return text;
  } catch (error) {
    if (signal.aborted) throw new HookError(`${option} was stopped after ${timeoutMs / 1_000} s (--hook-timeout)`);
    throw error;
  } finally {
    done();
  }
}

function timeLimit(ms: number): { readonly signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, done: systemTime.setTimer(ms, () => controller.abort()) };
}

/** Standard output of the snapshot in pieces, once the command has exited with 0 the last one. */
async function* pieces(
  command: string,
  request: SnapshotRequest,
  { env, onUnguarded }: Surroundings,
): AsyncGenerator<Uint8Array> {
  const { cut, backupId, attempt, signal } = request;
  signal.throwIfAborted();
  const more = { TENURE_CUT: JSON.stringify(cut), TENURE_BACKUP_ID: backupId, TENURE_ATTEMPT: String(attempt) };
  const child = start(command, { env: { ...env, ...more }, onUnguarded });
  const stop = () => stopGroup(child);
  signal.addEventListener('abort', stop, { once: true });
  let ended = false;
  try {
    for await (const piece of regroup(child.stdout)) {
      signal.throwIfAborted();
      yield piece;
    }
    signal.throwIfAborted();
    await exit('--snapshot', child);
    ended = true;
  } finally {
    signal.removeEventListener('abort', stop);
    if (!ended) stop();
  }
}

async function* regroup(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    held.push(chunk);
    size += chunk.length;
    if (size < pieceBytes) continue;
    yield Buffer.concat(held);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held);
}

/**
 * In a process group of its own, so that everything it starts is stopped with it. A guard does that if this process is
 * killed.
 */
function start(command: string, { env, onUnguarded }: Surroundings): Child {
  const guard = guardCommand((why) => onUnguarded(new Error(`The guard of "${command}" failed: ${why}`)));
  const child = spawn('sh', ['-c', command], { detached: true, stdio: ['ignore', 'pipe', 'inherit'], env });
  // Without a listener a shell that cannot be started would end the worker; its exit code says so.
  child.on('error', () => guard.end());
  if (child.pid !== undefined) guard.watch(child.pid, graceMs);
  child.once('exit', () => guard.end());
  return child;
}

async function exit(option: string, child: Child): Promise<void> {
  const { exitCode, signalCode } = child;
  const [code, signal] =
    exitCode === null && signalCode === null
      ? ((await once(child, 'exit')) as [number | null, NodeJS.Signals | null])
      : [exitCode, signalCode];
  if (code === 0) return;
  throw new HookError(signal ? `${option} was ended by ${signal}` : `${option} exited with ${code}`);
}

function stopGroup(child: Child): void {
  signalGroup(child, 'SIGTERM');
  setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs).unref();
}

function signalGroup({ pid }: Child, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Nothing printed means that nothing is applied yet. */
function positionsIn(text: string): Positions {
  if (text.trim() === '') return {};
  const parsed: unknown = jsonIn(text);
  const entries = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? Object.entries(parsed) : [];
  const isValid = entries.length > 0 || text.trim() === '{}';
  if (isValid && entries.every(([, at]) => Number.isSafeInteger(at) && at >= 0)) return parsed as Positions;
  throw new HookError(
    `--on-suspend printed ${JSON.stringify(text.slice(0, 100))}; print nothing, or positions as JSON: {"events": 412}`,
  );
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
