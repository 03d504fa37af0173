/** JavaScript and declarations of what the packages are made of. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transformSync } from 'esbuild';
import { dist, project } from './names.ts';

/** Compiles library, command line and construct into one folder; returns it. */
export function compile(): string {
  const folder = join(dist, 'compiled');
  const tsc = join(project, 'node_modules', '.bin', 'tsc');
  execFileSync(tsc, ['-p', join(project, 'tsconfig.build.json'), '--outDir', folder], { stdio: 'inherit' });
  return folder;
}

/** Copies the JavaScript of entries, such as `client/index`, with all that they import. */
export function copyModules(compiled: string, to: string, entries: readonly string[]): void {
  for (const file of reached(compiled, entries, 'js')) {
    if (file.endsWith('.json')) {
      cpSync(join(compiled, file), join(to, file));
      continue;
    }
    // Its comments are in the declarations, where editors show them; names stay, for the sake of stack traces.
    const short = { legalComments: 'none', minifySyntax: true, minifyWhitespace: true } as const;
    const { code } = transformSync(readFileSync(join(compiled, file), 'utf8'), short);
    write(join(to, file), code);
  }
}

/**
 * Copies the declarations of the entries, with all that they refer to, for programs of both kinds: CommonJS may not
 * refer to ES modules, so that all but the entries are CommonJS, which is the kind that their folder's package.json
 * says.
 */
export function copyDeclarations(compiled: string, to: string, entries: readonly string[]): void {
  for (const file of reached(compiled, entries, 'd.ts')) write(join(to, 'cjs', file), declarations(compiled, file));
  for (const entry of entries) {
    const declared = relative(dirname(entry), join('cjs', entry));
    write(join(to, `${entry}.d.ts`), `export * from '${declared}.js';\n`);
  }
}

/**
 * The entries for require(), which gets the ES module itself, so that a program that also has import() has one copy of
 * each class.
 */
export function writeForRequire(to: string, name: string, entries: readonly string[]): void {
  const folder = join(to, 'cjs');
  for (const entry of entries) write(join(folder, `${entry}.js`), requireOf(name, `${entry}.js`));
  write(join(folder, 'package.json'), JSON.stringify({ type: 'commonjs' }));
}

/** The files with this extension that the entries reach by relative imports, sorted. */
function reached(compiled: string, entries: readonly string[], extension: 'js' | 'd.ts'): string[] {
  const seen = new Set(entries.map((entry) => `${entry}.${extension}`));
  for (const file of seen) {
    const text = file.endsWith('.json') ? '' : readFileSync(join(compiled, file), 'utf8');
    for (const [, , specifier = ''] of text.matchAll(/(\bfrom\s|\bimport\s?\(?\s?)['"](\.[^'"]*)['"]/g)) {
      const named = specifier.replace(/\.[jt]s$/, `.${extension}`);
      const path = join(dirname(file), named);
      // The package's own is written by itself.
      if (path !== 'package.json') seen.add(path);
    }
  }
  return [...seen].sort();
}

/** The compiler leaves the names of sources in declarations, which not every one that reads them understands. */
function declarations(compiled: string, file: string): string {
  const text = readFileSync(join(compiled, file), 'utf8');
  const named = text.replaceAll(/(\bfrom\s|import\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2');
  return withoutProse(namedMembers(named)).replaceAll(/^(?: {4})+/gm, (indent) => ' '.repeat(indent.length / 2));
}

/** Leaves out the sentence of each operation, and how many problems it has: no type follows from them. */
function withoutProse(text: string): string {
  return text
    .replaceAll(/(readonly summary: )"(?:[^"\\]|\\.)*";/g, '$1string;')
    .replaceAll(/(readonly problems: readonly )\[(import\("[^"]*"\)\.ProblemKind)(?:, \2)*\];/g, '$1$2[];');
}

/**
 * The compiler writes out each operation a second time where all of a room are collected: there the name is enough.
 */
function namedMembers(text: string): string {
  return text.replace(/(export declare const \w+Operations: \{\n)([\s\S]*?)(\n\};)/g, (_, begin, members, end) => {
    const names = [...String(members).matchAll(/^ {4}(\w+): /gm)].map(([, name = '']) => name);
    if (!names.every((name) => text.includes(`export declare const ${name}: `))) return `${begin}${members}${end}`;
    return `${begin}${names.map((name) => `    ${name}: typeof ${name};`).join('\n')}${end}`;
  });
}

function write(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function requireOf(name: string, entry: string): string {
  const esModule = relative(dirname(join('cjs', entry)), entry);
  return `'use strict';
try {
  module.exports = require('${esModule}');
} catch (cause) {
  if (cause.code !== 'ERR_REQUIRE_ESM') throw cause;
  throw new Error(\`${name} is an ES module, which Node \${process.version} cannot require(): use import('${name}'), or Node 20.19, 22.12 or newer.\`, { cause });
}
`;
}

/** Next to compiled modules: their version, and that they are ES modules. */
export function writeInnerManifest(folder: string): void {
  // In full it would tell npm which files of the folder to leave out.
  const { name, version, type } = JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, type }));
}
