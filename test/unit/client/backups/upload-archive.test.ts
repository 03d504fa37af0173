import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { folderTarget } from '../../../../archive/folder.ts';
import { payloadName } from '../../../../archive/format.ts';
import { writeArchive } from '../../../../archive/writer.ts';
import { uploadArchive } from '../../../../client/backups/upload-archive.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';
import { identity, listedSource, sampleGroup } from '../../../support/backups/archives.ts';

/** S3 that takes each key once, and whose first answer for each is lost. */
async function forgetfulS3() {
  const taken = new Map<string, Buffer>();
  const server = createServer(async (request, response) => {
    const key = request.url ?? '';
    const bytes = await buffer(request);
    if (taken.has(key)) {
      response.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>');
      return;
    }
    taken.set(key, bytes);
    request.socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { taken, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('files whose PUT was answered into the void are not lost: the address to restore is answered', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenure-upload-archive-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { entries, payloads } = sampleGroup();
  const target = folderTarget(folder, async ({ jobId, payloadId }) => {
    const bytes = payloads.get(payloadName(jobId, payloadId));
    return (
      bytes &&
      (async function* () {
        yield bytes;
      })()
    );
  });
  await writeArchive(listedSource(entries), target, identity, { now: () => 1_700_000_000_000 });

  const s3 = await forgetfulS3();
  const sign = async (_: unknown, init?: RequestInit) => {
    const { files } = JSON.parse(String(init?.body)) as { files: { name: string }[] };
    const urls = files.map(({ name }) => ({ name, url: `${s3.url}/${name}`, headers: { 'if-none-match': '*' } }));
    return Response.json({ uri: 's3://bucket/uploads/1/', urls });
  };
  const client = new TenureClient({ url: 'http://tenure.test', fetch: sign as typeof fetch, random: () => 0 });
  const progress: string[] = [];
  const onProgress = (files: number, all: number) => void progress.push(`${files} of ${all}`);
  expect(await uploadArchive({ client, group: 'copy', folder, onProgress })).toBe('s3://bucket/uploads/1/');
  expect([...s3.taken.keys()].at(-1)).toBe('/manifest.json');
  expect(progress.at(-1)).toBe(`${s3.taken.size} of ${s3.taken.size}`);
});
