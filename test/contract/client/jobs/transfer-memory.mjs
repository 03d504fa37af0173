/**
 * Uploads a stream of so many MiB through the client, or reads the newest checkpoint, and prints by how many MiB the
 * process grew at most.
 */
import { register } from 'tsx/esm/api';

register();
const { JobRegistry, TenureClient, termFromEnvironment } = await import('../../../../client/index.ts');
const [url, direction, mebibytes] = process.argv.slice(2);
const client = new TenureClient({ url });
const registry = new JobRegistry({ client, term: termFromEnvironment() });
const checkpoints = await registry.submit('large', 'graph', { retain: 2 });
const oldest = (await checkpoints.list()).toSorted((one, other) => one.checkpointId - other.checkpointId)[0];
const transfers = {
  upload: (size) => checkpoints.add(pieces(size)).then(() => size * 1024 ** 2),
  download: async (_, checkpoint) => count(checkpoints.read(checkpoint ?? (await checkpoints.latest()))),
};
// Everything that is loaded on first use counts as baseline.
await transfers[direction](9, oldest);
global.gc();
const baseline = process.memoryUsage.rss();
let most = baseline;
const watching = setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss());
}, 20);
const bytes = await transfers[direction](Number(mebibytes));
clearInterval(watching);
console.log(JSON.stringify({ grownMiB: (most - baseline) / 1024 ** 2, bytes }));

async function* pieces(size) {
  const piece = Buffer.alloc(64 * 1024);
  for (let at = 0; at < size * 16; at += 1) yield piece.fill(at % 251);
}

async function count(stream) {
  let bytes = 0;
  for await (const piece of stream) bytes += piece.byteLength;
  return bytes;
}
