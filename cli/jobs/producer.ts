/** The state of a job as the output of a command: it counts only when the command exits 0. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline, Transform } from 'node:stream';
import type { Command } from 'commander';
import { TenureError } from '../../client/tenure-error.ts';

/** The words after `--` on the command line, which commander drops from a command's arguments; undefined without it. */
export function afterDashes(command: Command): readonly string[] | undefined {
  let root = command;
  while (root.parent) root = root.parent;
  const { rawArgs } = root as Command & { readonly rawArgs: readonly string[] };
  const at = rawArgs.indexOf('--');
  return at === -1 ? undefined : rawArgs.slice(at + 1);
}

/**
 * Runs a command and streams its standard output, which ends without an error only once the command has exited 0. The
 * signal stops the command. Its standard error goes to the terminal.
 */
export function outputOf([file = '', ...args]: readonly string[], signal: AbortSignal): Readable {
  const child = spawn(file, args, { stdio: ['inherit', 'pipe', 'inherit'], signal });
  const ended = endOf(child, file);
  const checked = new Transform({
    transform: (piece, _, done) => done(null, piece),
    flush: (done) => void ended.then((problem) => done(problem)),
  });
  return pipeline(child.stdout, checked, noop);
}

/** Resolves with the error that the end of the command is, if it is one. */
function endOf(child: ChildProcess, file: string): Promise<TenureError | null> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(failed(`"${file}" cannot be run (${codeOf(error)})`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(null);
      else resolve(failed(signal === null ? `"${file}" exited with ${code}` : `${signal} ended "${file}"`));
    });
  });
}

const codeOf = (error: NodeJS.ErrnoException) => error.code ?? error.message;

function failed(what: string): TenureError {
  return new TenureError(`${what}; nothing was committed.`, {
    code: 'producer_failed',
    status: 0,
    retryable: false,
    request: 'the command that produces the state',
  });
}

/** Lets a stream pass, and ends it with an error when it ends without a byte. */
export function refuseEmpty(input: Readable, what: string): Readable {
  let empty = true;
  const checked = new Transform({
    transform(piece: Uint8Array, _, done) {
      empty &&= piece.byteLength === 0;
      done(null, piece);
    },
    flush: (done) => done(empty ? emptyInput(what) : null),
  });
  return pipeline(input, checked, noop);
}

/** A producer that failed leaves an empty file, or an empty stream. */
export function emptyInput(what: string): TenureError {
  return new TenureError(
    `${what} is empty; nothing was committed. Check what produces it, or pass --allow-empty to commit zero bytes.`,
    { code: 'empty_input', status: 0, retryable: false, request: what },
  );
}

/** The stream's reader receives its error. */
function noop(): void {}
