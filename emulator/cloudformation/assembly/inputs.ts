/** The inputs of a synthesis: their hash decides whether it is made again, and they say why. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

export interface Inputs {
  readonly app: string;
  readonly context: string;
  readonly node: string;
  /** The hash of each file by its path in the project; empty for one that does not exist. */
  readonly files: Readonly<Record<string, string>>;
}

/** Kept in the folder of an assembly. */
export const inputsFile = 'inputs.json';

export async function inputsOf(project: string, app: string, context: string): Promise<Inputs> {
  const own = dirname(app) === 'infra';
  const shared = own ? ['api', 'archive', 'console', 'functions', 'leadership', 'log', 'store'] : [];
  // The API serves the document, which lies beside its code.
  const single = ['package-lock.json', 'tsconfig.json', ...(own ? ['docs/openapi.json'] : [])];
  const paths = single.map((file) => join(project, file));
  for (const source of [dirname(app), ...shared]) paths.push(...(await filesBelow(resolve(project, source))));
  const files: Record<string, string> = {};
  for (const path of paths.sort()) {
    const content = await readFile(path).catch(() => undefined);
    files[relative(project, path)] = content ? createHash('sha256').update(content).digest('hex').slice(0, 16) : '';
  }
  return { app, context, node: process.version, files };
}

export const hashOf = (inputs: Inputs): string =>
  createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16);

/** Why the app is synthesised although the cache holds others, compared with the one that was used last. */
export async function reasonFor(inputs: Inputs, cache: string): Promise<string> {
  const before = await usedLast(inputs.app, cache);
  if (!before) return 'for the first time';
  const paths = [...new Set([...Object.keys(before.files), ...Object.keys(inputs.files)])].sort();
  const [changed, ...others] = paths.filter((path) => before.files[path] !== inputs.files[path]);
  const reasons = [
    ...(before.node === inputs.node ? [] : [`Node is ${inputs.node}, not ${before.node}`]),
    ...(before.context === inputs.context ? [] : ['the context of the CDK changed']),
    ...(changed === undefined ? [] : [`${changed}${andOthers(others.length)} changed`]),
  ];
  return `since ${reasons.join(', and ')}`;
}

function andOthers(count: number): string {
  if (count === 0) return '';
  return count === 1 ? ' and one other file' : ` and ${count} other files`;
}

async function usedLast(app: string, cache: string): Promise<Inputs | undefined> {
  let last: { readonly inputs: Inputs; readonly usedAt: number } | undefined;
  // Those that are not finished yet have a dot in their names.
  for (const name of (await readdir(cache)).filter((one) => !one.includes('.'))) {
    const folder = join(cache, name);
    const text = await readFile(join(folder, inputsFile), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const inputs = JSON.parse(text) as Inputs;
    const { mtimeMs: usedAt } = await stat(folder);
    if (inputs.app === app && usedAt > (last?.usedAt ?? 0)) last = { inputs, usedAt };
  }
  return last?.inputs;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
