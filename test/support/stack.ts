import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The stack's description of itself in stack.json. */
export interface StackDescription {
  /** Address of the HTTP API, without a slash at the end. */
  api: string;
  dynamodb: string;
  s3: string;
  stepFunctions: string;
  /** Address of the other AWS calls: Lambda's Invoke, PutEvents, SendMessage. */
  services: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  /** Opens what lies under /_local/. */
  localToken: string;
  table: string;
  replicaTables: string[];
  bucket: string;
  /** ARNs by name. */
  stateMachines: Record<string, string>;
  functions: string[];
  schedules: string[];
  eventsFile: string;
  logs: string;
  pid: number;
}

export interface StackOptions {
  /** Added to the environment; TENURE_* settings reach the functions. */
  env?: Record<string, string>;
  /** Folder of the state. Left out, a temporary one is made, and removed by stop(). */
  data?: string;
  /** False fires no schedules, except by hand: `fireSchedule`. */
  schedules?: boolean;
  app?: string;
  /** Holds functions to their roles. */
  enforceRoles?: boolean;
  /** The seed of faults as AWS has them. */
  likeAws?: number | undefined;
}

export interface RunningStack extends StackDescription {
  folder: string;
  /** Everything that the process printed. */
  output(): string;
  /** Ends it as Ctrl-C would and removes a temporary folder. Twice is harmless. */
  stop(): Promise<void>;
  /** SIGKILL; the state stays, restart() continues with it. */
  kill(): Promise<void>;
  /** Starts it again on the same state and port; the addresses of the other parts change. */
  restart(): Promise<void>;
}

export const project = join(import.meta.dirname, '..', '..');

/** Where `npm start` in this project keeps what it synthesised. */
export const synthCache = join(project, 'node_modules/.cache/tenure/synth');

const readyWithinMs = 300_000;

/**
 * Runs the whole system as `npm start` does, in a process of its own, on ports that the system chooses. Throws with
 * everything that the process said when it does not become ready.
 */
export async function startStack(options: StackOptions = {}): Promise<RunningStack> {
  const folder = options.data ?? (await mkdtemp(join(tmpdir(), 'tenure-test-')));
  const running = { child: await launch(folder, 0, options) };
  const port = () => Number(new URL(stack.api).port);
  const stack: RunningStack = {
    ...(await describe(folder)),
    folder,
    output: () => outputs.get(running.child) ?? '',
    async stop() {
      await end(running.child, 'SIGTERM');
      if (!options.data) await rm(folder, { recursive: true, force: true });
    },
    kill: () => end(running.child, 'SIGKILL'),
    async restart() {
      await end(running.child, 'SIGTERM');
      running.child = await launch(folder, port(), options);
      Object.assign(stack, await describe(folder));
    },
  };
  return stack;
}

/** Sends an order to what lies under /_local/. */
export function order({ api, localToken }: StackDescription, path: string, content: unknown = {}): Promise<Response> {
  const headers = { 'tenure-local-token': localToken, 'content-type': 'application/json' };
  return fetch(`${api}/_local/${path}`, { method: 'PUT', headers, body: JSON.stringify(content) });
}

/** Fires the one schedule whose name matches. */
export async function fireSchedule(stack: StackDescription, name: RegExp, content: { slot?: string } = {}) {
  const [found, ...others] = stack.schedules.filter((schedule) => name.test(schedule));
  if (!found || others.length > 0) throw new Error(`${name} must match one of ${stack.schedules.join(', ')}`);
  const { status } = await order(stack, `schedules/${found}`, content);
  if (status !== 202) throw new Error(`The schedule ${found} was not fired: ${status}`);
}

/** One line for each kind of call that a function's role did not allow. */
export async function refusals({ api, localToken }: StackDescription): Promise<string[]> {
  const answer = await fetch(`${api}/_local/refusals`, { headers: { 'tenure-local-token': localToken } });
  return (await answer.json()) as string[];
}

/** Returns the process once it has said that it is ready. */
async function launch(
  folder: string,
  port: number,
  { env, schedules = true, app, likeAws, enforceRoles }: StackOptions,
): Promise<ChildProcess> {
  const argv = ['--port', String(port), '--data', folder];
  if (!schedules) argv.push('--no-schedules');
  if (app) argv.push('--app', app);
  if (enforceRoles) argv.push('--enforce-roles');
  if (likeAws !== undefined) argv.push('--like-aws', String(likeAws));
  const child = spawn(process.execPath, [join(project, 'emulator/start.mjs'), ...argv], {
    cwd: project,
    env: { ...process.env, STOP_WITH_PARENT: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const orphanGuard = () => child.kill('SIGKILL');
  process.once('exit', orphanGuard);
  child.once('exit', () => process.off('exit', orphanGuard));
  await ready(child);
  return child;
}

const outputs = new WeakMap<ChildProcess, string>();

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`The stack ${why}:\n${outputs.get(child) ?? ''}`));
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      fail(`was not ready within ${readyWithinMs / 1000} s`);
    }, readyWithinMs);
    const listen = (chunk: Buffer) => {
      const output = (outputs.get(child) ?? '') + chunk;
      outputs.set(child, output);
      if (!output.includes('\nready on ')) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      fail(`ended with ${code ?? signal}`);
    });
  });
}

async function describe(folder: string): Promise<StackDescription> {
  return JSON.parse(await readFile(join(folder, 'stack.json'), 'utf8')) as StackDescription;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const forced = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await exited;
  clearTimeout(forced);
}
