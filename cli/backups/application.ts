/** Writes the state that an application added to a backup into a folder. */
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The output of `tenure worker --snapshot`, byte for byte. */
export const snapshotName = 'snapshot';
/** The JSON values of a worker's `snapshot` hook, one a line. */
export const valuesName = 'values.ndjson';

export interface WrittenState {
  readonly files: readonly string[];
  readonly values: number;
  readonly bytes: number;
}

/**
 * Writes bytes to `snapshot` and JSON values to `values.ndjson`. The files appear in the folder only once all values
 * have been read without an error; those of an earlier try are replaced. Without any value nothing is written.
 */
export async function writeState(state: AsyncIterable<unknown>, folder: string): Promise<WrittenState> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(folder, '.application-'));
  try {
    const written = await writeDraft(state, draft);
    if (written.files.length === 0) return written;
    for (const name of [snapshotName, valuesName]) {
      if (written.files.includes(name)) await rename(join(draft, name), join(folder, name));
      else await rm(join(folder, name), { force: true });
    }
    return written;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function writeDraft(state: AsyncIterable<unknown>, draft: string): Promise<WrittenState> {
  const sinks = { [snapshotName]: sink(join(draft, snapshotName)), [valuesName]: sink(join(draft, valuesName)) };
  let values = 0;
  let bytes = 0;
  try {
    for await (const value of state) {
      const isBytes = value instanceof Uint8Array;
      const piece = isBytes ? value : Buffer.from(`${JSON.stringify(value)}\n`);
      await sinks[isBytes ? snapshotName : valuesName].write(piece);
      values += 1;
      bytes += piece.length;
    }
    const written = await Promise.all(
      Object.entries(sinks).map(async ([name, { end }]) => ((await end()) ? [name] : [])),
    );
    return { files: written.flat(), values, bytes };
  } finally {
    await Promise.all(Object.values(sinks).map(({ close }) => close()));
  }
}

/** A file that is made when something is written to it. */
function sink(path: string) {
  let opened: ReturnType<typeof open> | undefined;
  return {
    async write(piece: Uint8Array) {
      opened ??= open(path, 'wx', 0o600);
      await (await opened).writeFile(piece);
    },
    /** On disk, or false when nothing was written. */
    async end(): Promise<boolean> {
      await (await opened)?.sync();
      return opened !== undefined;
    },
    async close() {
      await (await opened)?.close();
    },
  };
}
