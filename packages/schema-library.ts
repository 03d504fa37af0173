import { dirname, join, relative } from 'node:path';
import { buildSync } from 'esbuild';
import { project } from './names.ts';

const file = 'schemas.js';

/**
 * The part of zod that the library uses, in one file: to load the whole of zod takes as long as all else. The
 * declarations refer to zod itself, which stays a dependency.
 */
export class SchemaLibrary {
  readonly #used = new Set<string>();

  /** The code of a module with its imports of zod leading to this file. */
  nextTo(module: string, code: string): string {
    if (!/from\s?"zod/.test(code)) return code;
    for (const [, name = ''] of code.matchAll(/\bz\d*\.\s*(\w+)/g)) this.#used.add(name);
    const place = relative(dirname(module), file);
    const path = place.startsWith('.') ? place : `./${place}`;
    return code
      .replaceAll(/import (\w+) from\s?"zod\/v4\/locales\/en\.js"/g, `import{en as $1}from"${path}"`)
      .replaceAll(/from\s?"zod\/mini"/g, `from"${path}"`);
  }

  write(dist: string): void {
    const contents = `export { ${[...this.#used].sort().join(', ')} } from 'zod/mini';
export { default as en } from 'zod/v4/locales/en.js';`;
    buildSync({
      stdin: { contents, resolveDir: project },
      outfile: join(dist, file),
      bundle: true,
      minify: true,
      platform: 'neutral',
      format: 'esm',
      target: 'es2022',
      legalComments: 'none',
      logLevel: 'error',
    });
  }
}
