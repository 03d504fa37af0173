import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hashOf, inputsFile, inputsOf, reasonFor } from './inputs.ts';

export interface Synthesis {
  /** Folder of the cloud assembly: templates, asset manifests and function bundles. */
  folder: string;
  cached: boolean;
}

const unusedAfterMs = 7 * 24 * 3_600_000;
const unfinishedAfterMs = 3_600_000;

/**
 * Synthesises the CDK app in a process of its own, so that a warm start never loads the CDK, and keeps the result under
 * a hash of everything that goes into it. `starting` hears why it is made. Throws with the app's own words when it
 * fails.
 */
export async function synthesise(
  project: string,
  app: string,
  cache: string,
  starting: (why: string) => void,
): Promise<Synthesis> {
  const context = await contextOf(project);
  const inputs = await inputsOf(project, app, context);
  const folder = join(cache, hashOf(inputs));
  await mkdir(cache, { recursive: true });
  const now = new Date();
  if (await exists(join(folder, 'manifest.json'))) {
    await utimes(folder, now, now);
    return { folder, cached: true };
  }
  starting(await reasonFor(inputs, cache));
  await dropUnused(cache);
  const fresh = `${folder}.${randomUUID()}`;
  // Half of a synthesis goes into the check against CloudFormation's schemas, which cdk synth and the tests make.
  const settings = { CDK_OUTDIR: fresh, CDK_CONTEXT_JSON: context, CDK_VALIDATION: 'false' };
  await run(project, app, settings).catch(async (cause: unknown) => {
    await rm(fresh, { recursive: true, force: true });
    throw cause;
  });
  await writeFile(join(fresh, inputsFile), JSON.stringify(inputs));
  // Somebody saved a file meanwhile: what came out is not what the hash stands for.
  if (hashOf(await inputsOf(project, app, context)) !== hashOf(inputs)) return { folder: fresh, cached: false };
  await rename(fresh, folder).catch(async (cause: NodeJS.ErrnoException) => {
    await rm(fresh, { recursive: true, force: true });
    if (cause.code !== 'ENOTEMPTY' && cause.code !== 'EEXIST') throw cause;
  });
  return { folder, cached: false };
}

/** Outside the CDK's own command line nobody hands the app the context of cdk.json. */
async function contextOf(project: string): Promise<string> {
  const settings = await readFile(join(project, 'cdk.json'), 'utf8').catch(() => '{}');
  const { context = {} } = JSON.parse(settings) as { context?: object };
  const given = JSON.parse(process.env['CDK_CONTEXT_JSON'] ?? '{}') as object;
  return JSON.stringify({ ...context, ...given });
}

function run(project: string, app: string, settings: Record<string, string>): Promise<void> {
  const { CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION, ...inherited } = process.env;
  // Not import.meta.resolve: tests load this file too, and vitest does not have it.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const child = spawn(process.execPath, ['--import', tsx, app], {
    cwd: project,
    env: { ...inherited, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk).slice(-20_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((done, refuse) => {
    child.once('error', refuse);
    child.once('close', (code, signal) => {
      process.off('exit', stop);
      if (code === 0) done();
      else
        refuse(
          new Error(`The CDK app ${app} ended with ${code ?? signal} while it was synthesised:\n${output.trim()}`),
        );
    });
  });
}

/**
 * A running stack keeps loading bundles from its folder, so only what nobody started with for a week goes, and what was
 * never finished because its process was killed.
 */
async function dropUnused(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const folder = join(cache, name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    const unused = name.includes('.') ? unfinishedAfterMs : unusedAfterMs;
    if (Date.now() - mtimeMs > unused) await rm(folder, { recursive: true, force: true });
  }
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
