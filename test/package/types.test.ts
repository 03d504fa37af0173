import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
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
