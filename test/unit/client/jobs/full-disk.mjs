/** Downloads 4 MiB in one piece into a file, and prints what became of it. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const { downloadFile } = await import('../../../../client/index.ts');
const [path] = process.argv.slice(2);
const content = new Uint8Array(4 * 1024 ** 2);
const payload = {
  url: 'http://s3.test/state',
  bytes: content.byteLength,
  sha256: createHash('sha256').update(content).digest('hex'),
};
const headers = { 'content-length': String(content.byteLength) };
const s3 = { get: async () => new Response(content, { headers }) };
const outcome = await downloadFile(payload, path, { s3 }).then(
  () => 'done',
  ({ code }) => code,
);
console.log(JSON.stringify({ outcome, there: existsSync(path) }));
