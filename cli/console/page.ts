/** The files of the page, read once: the server never looks at a path that a request names. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

const types: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'console.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

/** Beside the joined sources of a clone, or in the package's dist/. */
export const pageFolders = [join(import.meta.dirname, 'console'), join(import.meta.dirname, '../../console')];

/** The package has large ones compressed. */
async function readAsset(file: string): Promise<Buffer> {
  return readFile(file).catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    return brotliDecompressSync(await readFile(`${file}.br`));
  });
}

/** @throws Error when none of the folders holds the built page. */
export async function readPage(folders: readonly string[]): Promise<ReadonlyMap<string, PageFile>> {
  for (const folder of folders) {
    const read = Object.entries(types).map(async ([name, type]) => {
      return [`/${name}`, { type, content: await readAsset(join(folder, name)) }] as const;
    });
    const files = await Promise.all(read).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined;
      throw cause;
    });
    if (files) return new Map(files);
  }
  throw new Error(`The console's page is in none of ${folders.join(', ')}: build it with npm run console:build.`);
}
