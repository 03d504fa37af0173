/**
 * Uploads a stream of so many MiB through the client, reads it back, and prints by how many MiB the process grew at
 * most with each.
 */
import { register } from 'tsx/esm/api';

register();
const { JobRegistry, TenureClient, termFromEnvironment } = await import('../../../../client/index.ts');
const [url, mebibytes] = process.argv.slice(2);
const client = new TenureClient({ url });
const registry = new JobRegistry({ client, term: termFromEnvironment() });
const checkpoints = await registry.submit('large', 'graph');
// Everything that is loaded on first use counts as baseline.
await checkpoints.add(pieces(9));
global.gc();
const baseline = process.memoryUsage.rss();
let most = baseline;
const watching = setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss());
}, 20);
const grown = () => (most - baseline) / 1024 ** 2;
await checkpoints.add(pieces(Number(mebibytes)));
const byUpload = grown();
// Garbage of the upload must not count for the download.
global.gc();
let bytes = 0;
for await (const piece of checkpoints.read(await checkpoints.latest())) bytes += piece.byteLength;
clearInterval(watching);
console.log(JSON.stringify({ byUpload, byBoth: grown(), bytes }));

async function* pieces(count) {
  const piece = Buffer.alloc(64 * 1024);
  for (let at = 0; at < count * 16; at += 1) yield piece.fill(at % 251);
}
