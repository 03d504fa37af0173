import type * as z from 'zod/mini';
import { beginUpload, signParts } from '../../api/operations/jobs.ts';
import { linkedController } from '../linked-controller.ts';
import type { TenureClient } from '../tenure-client.ts';
import { inTerm, type LeadingTerm } from './leading-term.ts';
import { directS3, type S3 } from './s3.ts';
import { type Block, type Known, openSource, type PayloadSource } from './source.ts';
import { persistently, putBlock, putOnce, type Transfer, TransferError } from './transfer.ts';

export interface Progress {
  /** Bytes that have arrived. */
  readonly bytes: number;
  /** Of how many, where that is known beforehand. */
  readonly totalBytes?: number | undefined;
}

export interface UploadTarget {
  readonly client: TenureClient;
  readonly term: LeadingTerm;
  readonly jobId: string;
  readonly purpose: z.input<typeof beginUpload.body>['purpose'];
  /** Parts that are under way at a time; 3 unless given. */
  readonly parallel?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly s3?: S3 | undefined;
  /**
   * Up to so many bytes of a known size go within the request that commits them: one request instead of three; 64 KiB
   * unless given.
   */
  readonly inlineUpTo?: number | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly sha256: string;
}

/** A payload carried by the commit instead of an upload: base64. */
export interface Inline {
  readonly inline: string;
}

/** A commit's reference to an uploaded payload. */
export interface Uploaded {
  readonly uploadId: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly parts?: UploadedPart[];
}

const mebibyte = 1024 ** 2;
const maxPutBytes = 64 * mebibyte;
const maxInlineBytes = 64 * 1024;
/** A stream of unknown length goes in parts that double every thousand, so that 10,000 of them reach 5 TiB. */
const partsPerSize = 1_000;

/**
 * Moves a payload of any size straight to S3, in bounded memory: bytes and files up to 64 MiB by one PUT, everything
 * else in parts. A part that fails is sent again. A small one is returned, to go within the request that commits it.
 * Nothing refers to the payload until it is committed.
 * @throws LeadershipLostError, TenureError `transfer_failed`, or the signal's reason.
 */
export async function upload(target: UploadTarget, source: PayloadSource): Promise<Uploaded | Inline> {
  const { client, term, s3 = directS3, inlineUpTo = maxInlineBytes } = target;
  const { controller: ending, unlink } = linkedController(term.signal, target.signal);
  const transfer: Transfer = { s3, time: client.time, random: client.random, signal: ending.signal };
  try {
    const known = await openSource(source);
    if (known.bytes === undefined || known.bytes > maxPutBytes) {
      return await uploadParts(target, transfer, ending, known);
    }
    const blocks = known.blocks(() => maxPutBytes, transfer.signal);
    const { value } = await blocks.next();
    // It has a file open, which is not needed any more: the block opens it again.
    await blocks.return(undefined as never);
    if (known.bytes <= inlineUpTo) return await inline(target, value as Block);
    return await putWhole(target, transfer, value as Block);
  } finally {
    unlink();
  }
}

async function inline({ onProgress }: UploadTarget, block: Block): Promise<Inline> {
  const pieces: Uint8Array[] = [];
  for await (const piece of block.pieces()) pieces.push(Uint8Array.from(piece));
  const bytes = Buffer.concat(pieces);
  onProgress?.({ bytes: bytes.byteLength, totalBytes: bytes.byteLength });
  return { inline: bytes.toString('base64') };
}

async function begin({ client, term, jobId, purpose }: UploadTarget, promised: { bytes?: number; sha256?: string }) {
  const params = { group: term.group, job: jobId };
  return inTerm(term, (signal) =>
    client.call(beginUpload, { params, fence: term, signal, body: { purpose, ...promised } }),
  );
}

async function putWhole(target: UploadTarget, transfer: Transfer, block: Block): Promise<Uploaded> {
  const { bytes, sha256 } = block;
  const begun = await begin(target, { bytes, sha256 });
  if (begun.method !== 'put') throw new Error('The service wants parts for a payload that fits into one PUT');
  await persistently(transfer, `The upload of ${bytes} bytes`, () => putOnce(transfer, begun, block));
  target.onProgress?.({ bytes, totalBytes: bytes });
  return { uploadId: begun.uploadId, bytes, sha256 };
}

async function uploadParts(
  target: UploadTarget,
  transfer: Transfer,
  ending: AbortController,
  known: Known,
): Promise<Uploaded> {
  const totalBytes = known.bytes;
  const begun = await begin(target, totalBytes === undefined ? {} : { bytes: totalBytes });
  if (begun.method !== 'multipart') throw new Error('The service wants one PUT for a payload that is to go in parts');
  const size = (index: number) =>
    totalBytes === undefined ? begun.partBytes * 2 ** Math.floor(index / partsPerSize) : begun.partBytes;
  const parts: UploadedPart[] = [];
  let arrived = 0;
  const whole = await inWindow(
    target.parallel ?? 3,
    known.blocks(size, transfer.signal),
    ending,
    async (block, index) => {
      const partNumber = index + 1;
      parts[index] = await sendPart(target, transfer, begun.uploadId, partNumber, block);
      block.release?.();
      arrived += block.bytes;
      target.onProgress?.({ bytes: arrived, totalBytes });
    },
  );
  return { uploadId: begun.uploadId, ...whole, parts };
}

async function sendPart(
  { client, term, jobId }: UploadTarget,
  transfer: Transfer,
  uploadId: string,
  partNumber: number,
  block: Block,
): Promise<UploadedPart> {
  const { bytes, sha256 } = block;
  const params = { group: term.group, job: jobId, upload: uploadId };
  return persistently(transfer, `The upload of part ${partNumber}`, async () => {
    // Signed anew for each try: the URL of the last one may have expired.
    const body = { parts: [{ partNumber, bytes, sha256 }] };
    const { urls } = await inTerm(term, () =>
      client.call(signParts, { params, fence: term, signal: transfer.signal, body }),
    );
    const [signed] = urls;
    if (!signed) throw new Error(`The service signed no URL for part ${partNumber}`);
    const { etag } = await putBlock(transfer, signed, block);
    if (!etag) throw new TransferError(`S3 answered part ${partNumber} without an ETag`, 0);
    return { partNumber, etag, sha256 };
  });
}

/**
 * Works on the items as they come, `width` at a time, and answers what the generator returns. The first failure aborts
 * `ending`, which the generator and all work hear, and is thrown once they have ended.
 */
async function inWindow<Item, Value>(
  width: number,
  items: AsyncGenerator<Item, Value>,
  ending: AbortController,
  act: (item: Item, index: number) => Promise<void>,
): Promise<Value> {
  const running = new Set<Promise<void>>();
  const fail = (error: unknown) => ending.abort(error);
  try {
    let next = await items.next();
    for (let index = 0; !next.done; index += 1) {
      const work = act(next.value, index)
        .catch(fail)
        .finally(() => running.delete(work));
      running.add(work);
      if (running.size >= width) await Promise.race(running);
      ending.signal.throwIfAborted();
      next = await items.next();
    }
    await Promise.all(running);
    ending.signal.throwIfAborted();
    return next.value;
  } catch (error) {
    fail(error);
    await Promise.all(running);
    await items.return(undefined as Value);
    throw ending.signal.reason;
  }
}
