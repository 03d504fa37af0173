/**
 * `npm pack` runs it: what a user of the package gets instead of the sources, in dist/. JavaScript with types, and the functions as the
 * bundles that are deployed, so that neither TypeScript nor esbuild is needed. `npm pack` removes it again: a clone runs its sources.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import packageJson from '../package.json' with { type: 'json' };
import { bundle } from './bundle.ts';
import { bundlesFolder } from './function-code.ts';
import { Tenure } from './tenure.ts';
import { TenureFunction } from './tenure-function.ts';

const project = join(import.meta.dirname, '..');
const dist = join(project, 'dist');

rmSync(dist, { recursive: true, force: true });
const tsc = join(project, 'node_modules', '.bin', 'tsc');
execFileSync(tsc, ['-p', join(project, 'tsconfig.build.json'), '--outDir', dist], { stdio: 'inherit' });
// In full it would tell npm which files of dist/ to leave out.
const { name, version, type } = packageJson;
writeFileSync(join(dist, 'package.json'), JSON.stringify({ name, version, type }));
for (const name of ['guard.mjs', 'process-group.mjs', 'process-group.d.mts']) {
  cpSync(join(project, 'cli/lead', name), join(dist, 'cli/lead', name));
}

const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
const tenure = new Tenure(new Stack(app, 'any'), 'Tenure');
const functions = tenure.node.findAll().filter((construct) => construct instanceof TenureFunction);
for (const [entry, { beside }] of new Map(functions.map((one) => [one.entry, one]))) {
  const folder = join(dist, bundlesFolder, entry.replace(/\.ts$/, ''));
  mkdirSync(folder, { recursive: true });
  bundle(entry, folder, beside);
}
rmSync(app.outdir, { recursive: true, force: true });
