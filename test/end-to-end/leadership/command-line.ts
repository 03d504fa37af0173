import { expect, inject } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';
import { client, newGroup } from './tenure.ts';

export type Env = Readonly<Record<string, string>>;

/** The environment that `tenure lead` hands to its command, in a new group. */
export async function leading(group = newGroup()): Promise<Env> {
  const { fencingVersion, sessionId } = await client().contend(group, { contenderId: 'one', leaseMs: 3_600_000 });
  return { TENURE_GROUP: group, TENURE_FENCING_VERSION: String(fencingVersion), TENURE_SESSION_ID: sessionId };
}

/** Runs a command line in this process, as with both outputs going into files; `input` is what it reads. */
export async function fed(env: Env, input: string, ...argv: string[]) {
  const { shell, out, err } = recordedShell({ TENURE_URL: inject('stack').api, ...env }, { input });
  const dashes = argv.indexOf('--');
  const options = ['--group', env['TENURE_GROUP'] ?? ''];
  const code = await runCli(argv.toSpliced(dashes === -1 ? argv.length : dashes, 0, ...options), shell);
  return { code, out: out(), err: err() };
}

/** The same with nothing to read. */
export const tenure = (env: Env, ...argv: string[]) => fed(env, '', ...argv);

/** The output of a command line that succeeds. */
export async function said(env: Env, ...argv: string[]): Promise<string> {
  return outOf(await tenure(env, ...argv));
}

export function outOf({ code, out, err }: Awaited<ReturnType<typeof fed>>): string {
  expect({ code, err }, out).toEqual({ code: 0, err: '' });
  return out;
}

export const json = async (env: Env, ...argv: string[]) => JSON.parse(await said(env, ...argv, '--json'));
