/** Downloads the first half of a payload into a file, says so, and waits for the rest until it is killed. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { register } from 'tsx/esm/api';

register();
const { downloadFile } = await import('../../../../client/index.ts');
const [path, bytes, sha256, fill] = process.argv.slice(2);
const half = Number(bytes) / 2;
const get = async () => {
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new Uint8Array(half).fill(Number(fill))),
  });
  return new Response(body, { headers: { 'content-length': bytes } });
};
void downloadFile({ url: 'http://s3.test/state', bytes: Number(bytes), sha256 }, path, { s3: { get } });
for (let tries = 0; tries < 1_000; tries += 1) {
  const left = readdirSync(dirname(path)).find((name) => name.includes(`-${process.pid}-`));
  if (left && statSync(join(dirname(path), left)).size === half) break;
  await pause(10);
}
console.log('half');
await pause(60_000);
