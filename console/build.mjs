/** Builds the page: `npm run console:build [folder]`. Static files that any server can hand out, below any path. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const room = dirname(fileURLToPath(import.meta.url));

/**
 * Writes index.html, console.js, console.css and icon.svg into the folder; returns the files that became part of it.
 */
export async function buildConsole(folder) {
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: { console: join(room, 'main.tsx') },
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['es2022', 'safari16'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    absWorkingDir: dirname(room),
    metafile: true,
    legalComments: 'none',
    logLevel: 'error',
  });
  for (const file of ['index.html', 'icon.svg']) copyFileSync(join(room, file), join(folder, file));
  return Object.keys(metafile.inputs);
}

if (argv[1] === fileURLToPath(import.meta.url)) await buildConsole(argv[2] ?? 'dist/console');
