import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { buildConsole } from '../console/build.mjs';
import { project } from './names.ts';
import { versionOnly } from './version-only.ts';

const room = join(project, 'cli');

interface JoinedCommand {
  /** Modules of the library that the command uses, such as `client/operator`. */
  readonly used: readonly string[];
  /** Files that became part of the page. */
  readonly page: readonly string[];
}

/** The command `tenure` in a few files next to the library, whose exports it imports from the one file `library`. */
export async function joinCommand(folder: string, library: string): Promise<JoinedCommand> {
  const shared = new Set<string>();
  await build({
    entryPoints: ['main', 'process-shell'].map((entry) => join(room, `${entry}.ts`)),
    absWorkingDir: project,
    outdir: folder,
    bundle: true,
    splitting: true,
    packages: 'external',
    plugins: [besideTheLibrary(shared, `../${library}`), versionOnly],
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
  const inputs = await buildConsole(page);
  for (const file of ['console.js', 'console.css']) compress(join(page, file));
  return { used: [...shared].sort(), page: inputs };
}

/** The command serves it as it was: what gzip makes of it is a tenth larger. */
function compress(file: string): void {
  writeFileSync(`${file}.br`, brotliCompressSync(readFileSync(file)));
  rmSync(file);
}

/** Direct mode imports packages that its users have installed and others need not. */
export const isDirect = (module: string) => module.startsWith('client/direct/');

/** Leaves imports of other rooms to the library, of which the program then has one copy. */
function besideTheLibrary(shared: Set<string>, library: string): Plugin {
  return {
    name: 'beside-the-library',
    setup({ onResolve }) {
      onResolve({ filter: /^\..*\.ts$/ }, ({ path, importer }) => {
        const file = resolve(dirname(importer), path);
        if (!relative(room, file).startsWith('..')) return undefined;
        const module = relative(project, file).replace(/\.ts$/, '');
        shared.add(module);
        return { path: isDirect(module) ? `../${module}.js` : library, external: true };
      });
    },
  };
}
