import { attemptFiles, attemptPayloads } from '../../api/operations/workers.ts';
import { folderTarget } from '../../archive/folder.ts';
import type { ReferredPayload } from '../../archive/format.ts';
import type { ArchiveTarget, Copied } from '../../archive/ports.ts';
import { download } from '../jobs/download.ts';
import { persistently, putOnce, type Transfer } from '../jobs/transfer.ts';
import type { AttemptCalls } from './attempt-calls.ts';

/** Puts files into S3 by addresses that the service signs, and has payloads copied inside S3. */
export function s3Target(calls: AttemptCalls, transfer: Transfer): ArchiveTarget {
  return {
    put: (name, bytes, sha256) =>
      persistently(transfer, `Uploading ${name}`, async () => {
        const { urls } = await calls.call(attemptFiles, { body: { files: [{ name, bytes: bytes.length, sha256 }] } });
        const [signed] = urls;
        if (!signed) throw new Error(`The service signed no address for ${name}`);
        await putOnce(transfer, signed, { bytes: bytes.length, sha256, pieces: () => [bytes] });
      }),
    copy: together(calls),
  };
}

const atOnce = 100;

/** Copies that are asked for at the same time go in one request. */
function together(calls: AttemptCalls): ArchiveTarget['copy'] {
  type Waiting = { payload: ReferredPayload; resolve(copied: Copied): void; reject(error: unknown): void };
  const waiting: Waiting[] = [];
  let underWay = false;

  const copyWaiting = async () => {
    let resume: string | undefined;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, atOnce);
      try {
        const payloads = batch.map(({ payload }) => payload);
        const body = { payloads, ...(resume === undefined ? {} : { resume }) };
        const answer = await calls.call(attemptPayloads, { body });
        const copied = answer.copied ?? [];
        for (const [at, one] of copied.entries()) batch[at]?.resolve(one);
        waiting.splice(0, copied.length);
        resume = answer.resume;
      } catch (error) {
        for (const { reject } of waiting.splice(0)) reject(error);
      }
    }
    underWay = false;
  };

  return (payload) =>
    new Promise((resolve, reject) => {
      waiting.push({ payload, resolve, reject });
      if (underWay) return;
      underWay = true;
      setImmediate(() => void copyWaiting());
    });
}

/** Puts files into a folder of this machine; payloads are read from S3. */
export function diskTarget(calls: AttemptCalls, folder: string, transfer: Transfer): ArchiveTarget {
  const sign = async (payload: ReferredPayload) => {
    const { urls = [] } = await calls.call(attemptPayloads, { body: { payloads: [payload] } });
    const [url] = urls;
    if (!url) throw new Error(`The service signed no address for payload ${payload.payloadId}`);
    return { url, bytes: payload.bytes, sha256: payload.sha256 };
  };
  return folderTarget(folder, async (payload) => {
    const { s3, time, signal } = transfer;
    return download(await sign(payload), { s3, time, signal, refresh: () => sign(payload) });
  });
}
