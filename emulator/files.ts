import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Appends one JSON object as one line; the lines of one file never mix. */
export function lineWriter(file: string): (record: object) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (record) => {
    const written = last
      .then(() => mkdir(dirname(file), { recursive: true }))
      .then(() => appendFile(file, `${JSON.stringify(record)}\n`));
    last = written.catch(() => {});
    return written;
  };
}
