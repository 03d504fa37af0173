import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { buildSync } from 'esbuild';
import { project } from './names.ts';

const file = 'schemas.js';

/** Types of the schemas, for declarations: those of zod itself take 220 KB, most of which nothing names. */
const types = join(import.meta.dirname, 'tenure/schemas.d.ts');

/**
 * The part of zod that the library uses, in one file: to load the whole of zod takes as long as all else, and to
 * install it takes more than all else together.
 */
export class SchemaLibrary {
  readonly #used = new Set<string>();

  /** Notes what a module uses, whose names are those of its source. */
  use(code: string): void {
    if (!/from\s?"zod/.test(code)) return;
    for (const [, name = ''] of code.matchAll(/\bz\d*\.\s*(\w+)/g)) this.#used.add(name);
  }

  /** The code of a module with its imports of zod leading to this file. */
  nextTo(module: string, code: string): string {
    if (!/from\s?"zod/.test(code)) return code;
    const place = relative(dirname(module), file);
    const path = place.startsWith('.') ? place : `./${place}`;
    return code
      .replaceAll(/import ([\w$]+) from\s?"zod\/v4\/locales\/en\.js"/g, `import{en as $1}from"${path}"`)
      .replaceAll(/from\s?"zod\/mini"/g, `from"${path}"`);
  }

  /** Leads the imports of zod in a folder's declarations to a file with the types that they name. */
  static declare(folder: string): void {
    const text = readFileSync(types, 'utf8');
    const has = (name: string) =>
      new RegExp(`^ *(export )?(interface|type) ${name.replace('$', '\\$')}\\b`, 'm').test(text);
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!path.endsWith('.d.ts') || path.startsWith('cjs/')) continue;
      const declarations = readFileSync(join(folder, path), 'utf8');
      if (!declarations.includes("from 'zod/mini'")) continue;
      for (const [, name = ''] of declarations.matchAll(/\bz\.(?:core\.)?([$\w]+)/g)) {
        if (!has(name)) throw new Error(`${path} names the type ${name} of zod: declare it in ${types}`);
      }
      const place = relative(dirname(path), file);
      const next = place.startsWith('.') ? place : `./${place}`;
      writeFileSync(join(folder, path), declarations.replaceAll("from 'zod/mini'", `from '${next}'`));
    }
    writeFileSync(join(folder, file.replace(/\.js$/, '.d.ts')), text);
  }

  /** Returns the files of zod that are in it. */
  write(dist: string): string[] {
    const contents = `export { ${[...this.#used].sort().join(', ')} } from 'zod/mini';
export { default as en } from 'zod/v4/locales/en.js';`;
    const { metafile } = buildSync({
      absWorkingDir: project,
      metafile: true,
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
    return Object.keys(metafile.inputs);
  }
}
