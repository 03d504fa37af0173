/**
 * `npm pack` runs it: what a user of the package gets instead of the sources, in dist/. JavaScript with types, and the
 * functions as the bundles that are deployed, so that neither TypeScript nor esbuild is needed. `npm pack` removes it
 * again: a clone runs its sources.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { buildConsole } from '../console/build.mjs';
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
const declarations = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.d.ts'));
// In full it would tell npm which files of dist/ to leave out.
const { name, version, type } = packageJson;
writeFileSync(join(dist, 'package.json'), JSON.stringify({ name, version, type }));
for (const name of ['guard.mjs', 'process-group.mjs', 'process-group.d.mts']) {
  cpSync(join(project, 'cli/lead', name), join(dist, 'cli/lead', name));
}

await buildConsole(join(dist, 'console'));

declarations.forEach(nameJavaScript);
declarations.forEach(copyForRequire);
for (const entry of ['client/index.js', 'client/fence/index.js', 'infra/index.js']) {
  writeFileSync(join(dist, 'cjs', entry), requireOf(entry));
}
writeFileSync(join(dist, 'cjs/package.json'), JSON.stringify({ type: 'commonjs' }));

const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
const tenure = new Tenure(new Stack(app, 'any'), 'Tenure');
const functions = tenure.node.findAll().filter((construct) => construct instanceof TenureFunction);
for (const [entry, { beside }] of new Map(functions.map((one) => [one.entry, one]))) {
  const folder = join(dist, bundlesFolder, entry.replace(/\.ts$/, ''));
  mkdirSync(folder, { recursive: true });
  bundle(entry, folder, beside);
}
rmSync(app.outdir, { recursive: true, force: true });

/** The compiler leaves the names of sources in declarations, which not every one that reads them understands. */
function nameJavaScript(file: string): void {
  const text = readFileSync(join(dist, file), 'utf8');
  writeFileSync(join(dist, file), text.replaceAll(/(\bfrom\s|import\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2'));
}

/**
 * The same declarations for programs that are CommonJS: there the kind of a file is that of its folder's package.json.
 */
function copyForRequire(file: string): void {
  mkdirSync(dirname(join(dist, 'cjs', file)), { recursive: true });
  cpSync(join(dist, file), join(dist, 'cjs', file));
}

/** require() gets the ES module itself: a program that also has import() has one copy of each class. */
function requireOf(entry: string): string {
  const esModule = relative(dirname(join('cjs', entry)), entry);
  return `'use strict';
try {
  module.exports = require('${esModule}');
} catch (cause) {
  if (cause.code !== 'ERR_REQUIRE_ESM') throw cause;
  throw new Error(\`tenure is an ES module, which Node \${process.version} cannot require(): use import('tenure'), or Node 20.19, 22.12 or newer.\`, { cause });
}
`;
}
