import { open, stat } from 'node:fs/promises';
import type { PayloadSource } from '../../client/jobs/source.ts';
import type { Progress as Moved } from '../../client/jobs/upload.ts';
import { UsageError } from '../exit.ts';
import { bytes } from '../output.ts';
import { progress } from '../progress.ts';
import type { Shell } from '../shell.ts';
import { emptyInput, refuseEmpty } from './producer.ts';

/**
 * A file by its path, or standard input for `-`.
 * @throws UsageError when it cannot be read, TenureError `empty_input` when it has no byte and `allowEmpty` is not
 *   given.
 */
export async function sourceOf(path: string, { input }: Shell, allowEmpty = false): Promise<PayloadSource> {
  if (path === '-') return allowEmpty ? input : refuseEmpty(input, 'Standard input');
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`"${path}" cannot be read (${error.code}): give a file, or - for standard input.`);
  });
  if (found.isDirectory()) throw new UsageError(`"${path}" is a directory: give a file, or - for standard input.`);
  if (found.isFile()) {
    if (found.size === 0 && !allowEmpty) throw emptyInput(`"${path}"`);
    return { file: path };
  }
  const stream = (await open(path)).createReadStream();
  return allowEmpty ? stream : refuseEmpty(stream, `"${path}"`);
}

/** Runs a transfer and shows on a terminal how far it is; `interrupted` says what Ctrl-C leaves behind. */
export async function shownTransfer<Value>(
  shell: Shell,
  options: { json?: boolean; typedOn?: NodeJS.ReadableStream },
  what: string,
  interrupted: string,
  act: (onProgress: (moved: Moved) => void) => Promise<Value>,
): Promise<Value> {
  const shown = progress(shell, options, what, () => `interrupted: ${interrupted}`);
  const startedAt = performance.now();
  try {
    const value = await act((moved) =>
      shown.say(`${what}: ${describe(moved, performance.now() - startedAt)}`, partOf(moved)),
    );
    shown.done(`${what}: done`);
    return value;
  } catch (error) {
    shown.failed(`${what}: failed`);
    throw error;
  }
}

function partOf({ bytes: moved, totalBytes }: Moved): number | undefined {
  return totalBytes ? moved / totalBytes : undefined;
}

function describe({ bytes: moved, totalBytes }: Moved, elapsedMs: number): string {
  const rate = `${bytes(Math.round(moved / Math.max(0.001, elapsedMs / 1_000)))}/s`;
  if (!totalBytes) return `${bytes(moved)}, ${rate}`;
  return `${bytes(moved)} of ${bytes(totalBytes)} (${Math.floor((100 * moved) / totalBytes)} %), ${rate}`;
}
