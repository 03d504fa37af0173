import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { buildConsole } from '../console/build.mjs';
import packageJson from '../package.json' with { type: 'json' };
import { project } from './names.ts';

const { version } = packageJson;

const room = join(project, 'cli');

/**
 * The command `tenure` in a few files next to the library, whose modules it imports; returns those, such as
 * `client/operator`. To load its own hundred modules one by one would take longer than most commands.
 */
export async function joinCommand(folder: string): Promise<string[]> {
  const shared = new Set<string>();
  await build({
    entryPoints: ['main', 'process-shell'].map((entry) => join(room, `${entry}.ts`)),
    absWorkingDir: project,
    outdir: folder,
    bundle: true,
    splitting: true,
    packages: 'external',
    plugins: [besideTheLibrary(shared)],
    platform: 'node',
    target: 'node20',
    format: 'esm',
    minify: true,
    legalComments: 'none',
    logLevel: 'error',
  });
  for (const file of ['guard.mjs', 'process-group.mjs']) {
    copyFileSync(join(room, 'lead', file), join(folder, basename(file)));
  }
  const page = join(folder, 'console');
  await buildConsole(page);
  compress(join(page, 'console.js'));
  return [...shared].sort();
}

/** The command serves it as it was: what gzip makes of it is a tenth larger. */
function compress(file: string): void {
  writeFileSync(`${file}.br`, brotliCompressSync(readFileSync(file)));
  rmSync(file);
}

/** Leaves imports of other rooms to the library's modules, of which the program then has one copy. */
function besideTheLibrary(shared: Set<string>): Plugin {
  return {
    name: 'beside-the-library',
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^\..*\.ts$/ }, ({ path, importer }) => {
        const file = resolve(dirname(importer), path);
        if (!relative(room, file).startsWith('..')) return undefined;
        const module = relative(project, file).replace(/\.ts$/, '');
        shared.add(module);
        return { path: `../${module}.js`, external: true };
      });
      onLoad({ filter: /\/package\.json$/ }, () => ({ contents: JSON.stringify({ version }), loader: 'json' }));
    },
  };
}
