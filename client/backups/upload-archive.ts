import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { manifestName } from '../../api/archive.ts';
import { uploadRestore } from '../../api/operations/restore.ts';
import { folderFiles } from '../../archive/folder.ts';
import { sha256Of } from '../../archive/format.ts';
import { DamagedError, verifyArchive } from '../../archive/verifier.ts';
import { directS3 } from '../jobs/s3.ts';
import type { Block } from '../jobs/source.ts';
import { persistently, putOnce, type Transfer } from '../jobs/transfer.ts';
import type { TenureClient } from '../tenure-client.ts';
import { TenureError } from '../tenure-error.ts';

export interface UploadArchiveOptions {
  readonly client: TenureClient;
  /** Into which it will be restored. */
  readonly group: string;
  readonly folder: string;
  readonly onProgress?: (files: number, all: number) => void;
  /** Ends the upload; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * Verifies a backup in a folder and uploads its files, the manifest last; returns the address to restore.
 * @throws TenureError `backup_damaged`; nothing is uploaded then.
 */
export async function uploadArchive(options: UploadArchiveOptions): Promise<string> {
  const { client, group, folder, onProgress, signal = new AbortController().signal } = options;
  const manifest = await verifyArchive(folderFiles(folder)).catch((cause: unknown) => {
    if (!(cause instanceof DamagedError)) throw cause;
    const facts = { code: 'backup_damaged', status: 422, retryable: false, request: `restore from ${folder}` };
    throw new TenureError(`The backup in ${folder} is damaged: ${cause.message}. Restore another one.`, facts, {
      cause,
    });
  });
  const transfer: Transfer = { s3: directS3, time: client.time, random: client.random, signal };
  const text = await readFile(join(folder, manifestName));
  const files = [
    ...[...manifest.files, ...manifest.payloads].map(({ name, bytes, sha256 }) =>
      onDisk(folder, { name, bytes, sha256 }),
    ),
    { name: manifestName, bytes: text.length, sha256: sha256Of(text), pieces: () => [text] },
  ];
  const uploadId = randomUUID();
  let restoreFrom = '';
  for (const [done, { name, ...block }] of files.entries()) {
    await persistently(transfer, `Uploading ${name}`, async () => {
      const body = { uploadId, files: [{ name, bytes: block.bytes, sha256: block.sha256 }] };
      const { uri, urls } = await client.call(uploadRestore, { params: { group }, body, signal });
      const [signed] = urls;
      if (!signed) throw new Error(`The service signed no address for ${name}`);
      await putOnce(transfer, signed, block);
      restoreFrom = uri;
    });
    onProgress?.(done + 1, files.length);
  }
  return restoreFrom;
}

function onDisk(folder: string, file: { name: string; bytes: number; sha256: string }): { name: string } & Block {
  return { ...file, pieces: () => createReadStream(join(folder, file.name)) };
}
