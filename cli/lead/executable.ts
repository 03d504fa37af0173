import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ExitError } from '../exit.ts';

/**
 * Checks that a command can be run before a lease is taken for it, which others would have to wait for. As in a shell:
 * 127 when there is no such program, 126 when it is none that can be executed.
 */
export function checkExecutable(file: string, env: Readonly<Record<string, string | undefined>>): void {
  const candidates = file.includes('/')
    ? [file]
    : (env['PATH'] ?? '').split(delimiter).map((folder) => join(folder || '.', file));
  const found = candidates.map(kindOf);
  if (found.includes('executable')) return;
  if (found.includes('folder') && file.includes('/'))
    throw new ExitError(126, `"${file}" is a folder: give a program.`);
  if (found.includes('other')) throw new ExitError(126, `"${file}" cannot be executed: check its permissions.`);
  const where = file.includes('/') ? 'no such file' : 'no such program in PATH';
  throw new ExitError(127, `Cannot run "${file}": ${where}. No lease was requested.`);
}

function kindOf(path: string): 'executable' | 'folder' | 'other' | 'missing' {
  try {
    if (statSync(path).isDirectory()) return 'folder';
    accessSync(path, constants.X_OK);
    return 'executable';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'other' : 'missing';
  }
}
