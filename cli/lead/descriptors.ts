import { closeSync, readdirSync, readFileSync } from 'node:fs';

const closeOnExec = 0o2000000;

/**
 * Closes the descriptors beyond the standard streams that this process inherited and would pass on: a process that
 * waits for the end of such a pipe would wait for the command. Node marks its own as close-on-exec. A path like
 * /dev/fd/63 among the arguments, as a shell writes it for `<(command)`, keeps its descriptor. Linux only: elsewhere
 * the flag cannot be read.
 */
export function closeInherited(argv: readonly string[]): void {
  const kept = argv.flatMap((argument) => [...argument.matchAll(/\/dev\/fd\/(\d+)/g)].map(([, fd]) => Number(fd)));
  for (const fd of descriptors()) {
    if (fd > 2 && !kept.includes(fd) && isPassedOn(fd)) closeSync(fd);
  }
}

function descriptors(): number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number);
  } catch {
    return [];
  }
}

function isPassedOn(fd: number): boolean {
  try {
    const [, flags = ''] = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
    return flags !== '' && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    // The one that read the folder is closed by now.
    return false;
  }
}
