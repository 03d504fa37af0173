import { createHash, type Hash } from 'node:crypto';
import { linkedController } from '../linked-controller.ts';
import { TenureError } from '../tenure-error.ts';
import { systemTime, type Time } from '../time.ts';
import type { LeadingTerm } from './leading-term.ts';
import { directS3, type S3 } from './s3.ts';
import { getFrom, isBrokenConnection, persistently, type Transfer, TransferError } from './transfer.ts';

/** A payload that can be read, as the service answered it. */
export interface Readable {
  readonly url: string;
  readonly bytes: number;
  /** Of the whole, hex. */
  readonly sha256: string;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** The term to read it in: its end ends the download, too. */
  readonly term?: LeadingTerm | undefined;
  readonly onProgress?: ((progress: { bytes: number; totalBytes: number }) => void) | undefined;
  /** Asks the service for a fresh URL when this one has expired. */
  readonly refresh?: (() => Promise<Readable>) | undefined;
  readonly s3?: S3 | undefined;
  readonly time?: Time | undefined;
}

/**
 * Reads a payload in order and in bounded memory; after a broken connection it continues by range. Size and digest are
 * verified as it streams: what was handed out counts only when the end has been reached without an error.
 * @throws TenureError `payload_damaged` when the bytes are not those that were committed, `transfer_failed`.
 *
 * @example
 * ```ts
 * import { download, type RecoveredJob } from 'tenure';
 *
 * async function sizeOfGraph({ graph }: RecoveredJob): Promise<number> {
 *   let size = 0;
 *   for await (const piece of download(graph)) size += piece.byteLength;
 *   return size;
 * }
 * ```
 */
export function download(payload: Readable, options: DownloadOptions = {}): AsyncGenerator<Uint8Array> {
  return downloadFrom(payload, options, createHash('sha256'), 0);
}

/**
 * The same in one piece, for a payload that fits into memory.
 *
 * @example
 * ```ts
 * import { downloadBytes, type RecoveredJob } from 'tenure';
 *
 * const textOf = async ({ graph }: RecoveredJob) => new TextDecoder().decode(await downloadBytes(graph));
 * ```
 */
export async function downloadBytes(payload: Readable, options: DownloadOptions = {}): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of download(payload, options)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Reads on from this byte; the hash has seen those before it. */
export async function* downloadFrom(
  payload: Readable,
  options: DownloadOptions,
  hash: Hash,
  from: number,
): AsyncGenerator<Uint8Array> {
  const { s3 = directS3, time = systemTime } = options;
  const { controller, unlink } = linkedController(options.term?.signal, options.signal);
  try {
    yield* transferOn({ s3, time, signal: controller.signal, random: Math.random }, payload, options, hash, from);
  } finally {
    unlink();
  }
}

async function* transferOn(
  transfer: Transfer,
  payload: Readable,
  { onProgress, refresh }: DownloadOptions,
  hash: Hash,
  from: number,
): AsyncGenerator<Uint8Array> {
  const totalBytes = payload.bytes;
  let { url } = payload;
  let bytes = from;
  while (bytes < totalBytes) {
    const arriving = await persistently(transfer, `The download of ${totalBytes} bytes`, () =>
      getFrom(transfer, url, bytes).catch(async (error: unknown) => {
        if (error instanceof TransferError && error.status === 404) throw damaged(payload, 'it is not there');
        if (error instanceof TransferError && error.status === 416) throw damaged(payload, `it ends before ${bytes}`);
        if (error instanceof TransferError && error.status === 403 && refresh) url = (await refresh()).url;
        throw error;
      }),
    );
    if (bytes > 0 && arriving.status !== 206) throw damaged(payload, 'S3 did not answer the range');
    const answered = bytes + arriving.bytes;
    try {
      for await (const piece of arriving.pieces) {
        bytes += piece.byteLength;
        if (bytes > totalBytes) throw damaged(payload, `it has more than ${totalBytes} bytes`);
        hash.update(piece);
        yield piece;
        onProgress?.({ bytes, totalBytes });
      }
    } catch (error) {
      transfer.signal.throwIfAborted();
      // The connection broke: the loop continues from here.
      if (!isBrokenConnection(error)) throw error;
    }
    if (bytes === answered && bytes < totalBytes) throw damaged(payload, `it has ${bytes} bytes`);
  }
  const sha256 = hash.digest('hex');
  if (sha256 !== payload.sha256) throw damaged(payload, `its SHA-256 is ${sha256}`);
}

function damaged({ bytes, sha256 }: Readable, found: string): TenureError {
  return new TenureError(
    `The payload is not the one that was committed (${bytes} bytes, SHA-256 ${sha256}): ${found}. Fall back to an older checkpoint.`,
    { code: 'payload_damaged', status: 0, retryable: false, request: 'GET payload' },
  );
}
