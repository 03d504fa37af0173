import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';

interface AssetManifest {
  files: Record<string, { source: { path: string; packaging: string }; destinations: Record<string, Destination> }>;
}
interface Destination {
  objectKey: string;
}

/** The folders that a cloud assembly would upload as zips, by object key. */
export function cloudAssetFolders(assembly: string): Map<string, string> {
  const folders = new Map<string, string>();
  for (const name of readdirSync(assembly).filter((file) => file.endsWith('.assets.json'))) {
    const { files } = JSON.parse(readFileSync(join(assembly, name), 'utf8')) as AssetManifest;
    for (const { source, destinations } of Object.values(files)) {
      if (source.packaging !== 'zip') continue;
      for (const { objectKey } of Object.values(destinations)) folders.set(objectKey, join(assembly, source.path));
    }
  }
  return folders;
}

// Local time, which is how zips tell it: the same bytes in every time zone.
const mtime = new Date(1985, 0, 1);

/** Writes the files of a flat folder as a zip; the same files make the same bytes. */
export function zipped(folder: string, file: string): void {
  const names = readdirSync(folder).sort();
  const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, zipSync(files, { level: 9, mtime, os: 3, attrs: 0o644 << 16 }));
}
