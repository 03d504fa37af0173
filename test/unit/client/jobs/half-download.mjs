/**
 * Downloads the first half of a payload into each of these files, says so, and waits for the rest until it is killed.
 */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { register } from 'tsx/esm/api';

register();
const { downloadFile } = await import('../../../../client/index.ts');
const [bytes, sha256, fill, ...paths] = process.argv.slice(2);
const half = Number(bytes) / 2;
const get = async () => {
  const start = (controller) => controller.enqueue(new Uint8Array(half).fill(Number(fill)));
  return new Response(new ReadableStream({ start }), { headers: { 'content-length': bytes } });
};
for (const path of paths)
  void downloadFile({ url: 'http://s3.test/state', bytes: Number(bytes), sha256 }, path, { s3: { get } });
const isHalf = (path) =>
  readdirSync(dirname(path)).some(
    (name) => name.includes(`-${process.pid}-`) && statSync(join(dirname(path), name)).size === half,
  );
while (!paths.every(isHalf)) await pause(10);
console.log('half');
await pause(600_000);
