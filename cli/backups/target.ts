import { isAbsolute } from 'node:path';
import { InvalidArgumentError } from 'commander';

/** `s3://bucket/prefix`, `file:///folder` or the folder alone: relative to what, nobody but the worker could say. */
export function readTarget(given: string): string {
  if (given.startsWith('s3://') || given.startsWith('file:///')) return given;
  if (isAbsolute(given)) return `file://${given}`;
  throw new InvalidArgumentError('Give s3://bucket/prefix, or the absolute path of a folder of the worker.');
}
