import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { installed } from '../support/generators/installed.ts';
import { project } from '../support/stack.ts';

const oldest = installed(join(project, 'test/support/package/oldest-typescript'));

/** The compilers at both ends of the range that docs/client.md states. */
const compilers = [
  ['TypeScript 5.0', join(oldest, 'node_modules/typescript/bin/tsc')],
  ['the newest TypeScript', join(project, 'node_modules/typescript/bin/tsc')],
] as const;

const settings: { type: string; module: string; moduleResolution?: string }[] = [
  { type: 'commonjs', module: 'commonjs' },
  { type: 'commonjs', module: 'node16' },
  { type: 'module', module: 'node16' },
  { type: 'commonjs', module: 'nodenext' },
  { type: 'module', module: 'nodenext' },
  { type: 'module', module: 'esnext', moduleResolution: 'bundler' },
];

/**
 * A program that uses the library and has nothing left to do at its end; with the construct, whose CDK takes a compiler
 * long to read.
 */
const program = (withConstruct: boolean) => `
import { hasCode, LeaderElector, TenureClient, type Term } from 'tenure';
${withConstruct ? "import { Tenure } from 'tenure-cdk';" : "import { fenced as Tenure } from 'tenure/fence';"}
const client = new TenureClient({ url: 'http://127.0.0.1:9', deadlineMs: 100 });
const onGranted = (term: Term) => console.log(term.fencingVersion);
const elector = new LeaderElector({ client, group: 'orders', address: 'here', onGranted });
const version: Promise<number> = client.observe('orders').then(({ fencingVersion }) => fencingVersion);
version.catch((error: unknown) => {
  if (!hasCode(error, 'unreachable')) throw error;
  console.log('ran', elector.group, typeof Tenure);
});
`;

describe.each(compilers)('with %s', (_, tsc) => {
  test.each(settings)('a program resolves the types, runs and ends with %j', ({ type, ...options }) => {
    const folder = mkdtempSync(join(inject('consumer'), 'program-'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
    const withConstruct = options.module === 'commonjs' || options.moduleResolution === 'bundler';
    writeFileSync(join(folder, 'program.ts'), program(withConstruct));
    const compilerOptions = { ...options, target: 'es2022', strict: true, skipLibCheck: true, types: ['node'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
    const compiled = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    expect(compiled.stdout).toBe('');
    const ran = spawnSync(process.execPath, [join(folder, 'program.js')], { encoding: 'utf8', timeout: 60_000 });
    expect(ran).toMatchObject({
      status: 0,
      stdout: `ran orders ${withConstruct ? 'function' : 'object'}\n`,
      stderr: '',
    });
  });
});

test('where Node cannot require() an ES module, a sentence says what to do', () => {
  const file = join(inject('consumer'), 'old.cjs');
  writeFileSync(file, "require('tenure');");
  const { status, stderr } = spawnSync(process.execPath, ['--no-experimental-require-module', file], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toContain("cannot require(): use import('tenure'), or Node 20.19, 22.12 or newer.");
});

/**
 * The packed declarations have types of schemas of their own: a caller passes and gets by them what the sources say by
 * zod's, without an `any` in their place.
 */
const sameTypes = (packed: string) => `
import { operations as here } from ${JSON.stringify(join(project, 'client/index.ts'))};
import { operations as packed } from ${JSON.stringify(packed)};
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Plain<T> = unknown extends T
  ? T
  : [Json] extends [T] ? 'json' : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Read<S> = S extends { _zod: { output: infer O; input: infer I } } ? [Plain<O>, Plain<I>] : never;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Part = 'params' | 'query' | 'body' | 'answer';
type Here = typeof here;
type Packed = typeof packed;
type Differing = {
  [K in keyof Here]: {
    [P in Part]: Same<Read<Here[K][P]>, Read<Packed[K & keyof Packed][P]>> extends true ? never : \`\${K}.\${P}\`;
  }[Part];
}[keyof Here];
export const none: Record<Differing, true> = {};
export const noticed: Same<Read<Here['observe']['answer']>, Read<Packed['createBackup']['answer']>> = false;
`;

test('the packed operations have the very types of the sources', () => {
  const folder = mkdtempSync(join(project, 'node_modules/.cache/tenure/types-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const packed = join(inject('consumer'), 'node_modules/tenure/dist/client/index.js');
  writeFileSync(join(folder, 'same.ts'), sameTypes(packed));
  const tsconfig = { extends: join(project, 'tsconfig.json'), files: ['same.ts'], include: [], exclude: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  expect(spawnSync(process.execPath, [compilers[1][1], '-p', folder], { encoding: 'utf8' }).stdout).toBe('');
});
