/**
 * `npm run pack`: the packages as `npm publish` would send them, in dist/: a folder and a tarball for each. The same
 * sources make the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './compile.ts';
import { buildConstruct } from './construct.ts';
import { bundleFunctions } from './functions.ts';
import { buildLibrary } from './library.ts';
import { buildLocalStack } from './local-stack.ts';
import { dist, packageNames } from './names.ts';

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const compiled = compile();
const functions = bundleFunctions(join(dist, 'functions'));
await buildLibrary(compiled);
buildConstruct(compiled, functions);
await buildLocalStack();
for (const name of packageNames) {
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', dist], { cwd: join(dist, name) });
}
rmSync(compiled, { recursive: true });
rmSync(functions, { recursive: true });
