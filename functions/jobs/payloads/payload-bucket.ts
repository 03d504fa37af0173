/** The S3 requests on payloads. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { listTimeoutMs } from '../../platform/aws.ts';
import { logger } from '../../platform/logging.ts';
import {
  type Completion,
  type ListedPage,
  type Part,
  type PayloadStore,
  type Promised,
  type SignedRequest,
  type Stored,
  urlLifetimeSeconds,
} from './payload-store.ts';

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

const checksumHeader = 'x-amz-checksum-sha256';

const signedUntil = (now: number) => ({
  expiresIn: urlLifetimeSeconds,
  signingDate: new Date(now),
  // In the query S3 would ignore it: the digest must be a header that the signature covers.
  unhoistableHeaders: new Set([checksumHeader]),
});

/** S3 takes its time over many parts, and begins its answer before it is done; the gateway waits 29 s. */
const completionTimeoutMs = 24_000;
/** And over a thousand keys. */
const discardTimeoutMs = 10_000;

/** Binds the port to a bucket. */
export const payloadBucket = (client: S3Client, bucket: string): PayloadStore => new PayloadBucket(client, bucket);

class PayloadBucket implements PayloadStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async signPut(key: string, { bytes, sha256 }: Promised, now: number): Promise<SignedRequest> {
    const command = new PutObjectCommand({
      ...this.#at(key),
      ContentLength: bytes,
      ChecksumSHA256: base64(sha256),
      IfNoneMatch: '*',
    });
    const url = await getSignedUrl(this.#client, command, signedUntil(now));
    return { url, headers: { [checksumHeader]: base64(sha256), 'if-none-match': '*' } };
  }

  async beginParts(key: string): Promise<string> {
    const { UploadId } = await this.#client.send(
      new CreateMultipartUploadCommand({
        ...this.#at(key),
        ChecksumAlgorithm: 'SHA256',
        ChecksumType: 'COMPOSITE',
      }),
    );
    if (!UploadId) throw new Error(`S3 began an upload of ${key} and gave it no id`);
    return UploadId;
  }

  async signPart(
    key: string,
    multipartId: string,
    partNumber: number,
    { bytes, sha256 }: Promised,
    now: number,
  ): Promise<SignedRequest> {
    const command = new UploadPartCommand({
      ...this.#at(key),
      UploadId: multipartId,
      PartNumber: partNumber,
      ContentLength: bytes,
      ChecksumSHA256: base64(sha256),
    });
    const url = await getSignedUrl(this.#client, command, signedUntil(now));
    return { url, headers: { [checksumHeader]: base64(sha256) } };
  }

  async complete(key: string, multipartId: string, parts: readonly Part[]): Promise<Completion> {
    const Parts = parts.map(({ partNumber, etag, sha256 }) => ({
      PartNumber: partNumber,
      ETag: etag,
      ChecksumSHA256: base64(sha256),
    }));
    const MultipartUpload = { Parts };
    try {
      await this.#client.send(
        new CompleteMultipartUploadCommand({
          ...this.#at(key),
          UploadId: multipartId,
          MultipartUpload,
          IfNoneMatch: '*',
        }),
        { requestTimeout: completionTimeoutMs, abortSignal: AbortSignal.timeout(completionTimeoutMs) },
      );
      return { outcome: 'completed' };
    } catch (error) {
      const { name, message } = error as Error;
      if (name === 'NoSuchUpload' || name === 'PreconditionFailed') return { outcome: 'over' };
      if (partFaults.has(name)) return { outcome: 'refused', reason: `${name}: ${message}` };
      throw error;
    }
  }

  async put(key: string, bytes: Uint8Array, sha256: string): Promise<void> {
    const command = { ...this.#at(key), Body: bytes, ChecksumSHA256: base64(sha256), IfNoneMatch: '*' };
    await this.#client.send(new PutObjectCommand(command)).catch((error: Error) => {
      if (error.name !== 'PreconditionFailed') throw error;
    });
  }

  async stat(key: string): Promise<Stored | undefined> {
    try {
      const { ContentLength = 0, ChecksumSHA256 } = await this.#client.send(
        new HeadObjectCommand({ ...this.#at(key), ChecksumMode: 'ENABLED' }),
      );
      return { bytes: ContentLength, checksum: ChecksumSHA256 };
    } catch (error) {
      // A HEAD has no body, so S3 cannot say NoSuchKey.
      if ((error as Error).name === 'NotFound') return undefined;
      throw error;
    }
  }

  signGet(key: string, now: number): Promise<string> {
    return getSignedUrl(this.#client, new GetObjectCommand(this.#at(key)), signedUntil(now));
  }

  async discard(keys: readonly string[]): Promise<string[]> {
    const [only] = keys;
    if (keys.length === 1 && only !== undefined) return discardOne(this.#client, this.#bucket, only);
    const batches = Array.from({ length: Math.ceil(keys.length / 1_000) }, (_, at) =>
      keys.slice(at * 1_000, at * 1_000 + 1_000),
    );
    const left = await Promise.all(batches.map((batch) => discardBatch(this.#client, this.#bucket, batch)));
    return left.flat();
  }

  async list(prefix: string, after: string | undefined): Promise<ListedPage> {
    const { Contents = [], IsTruncated = false } = await this.#client.send(
      new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix, StartAfter: after }),
      { requestTimeout: listTimeoutMs },
    );
    const items = Contents.map(({ Key = '', Size = 0, LastModified }) => ({
      key: Key,
      bytes: Size,
      modifiedAt: LastModified?.getTime() ?? Number.POSITIVE_INFINITY,
    }));
    return { items, more: IsTruncated };
  }

  #at(key: string) {
    return { Bucket: this.#bucket, Key: key };
  }
}

const partFaults = new Set(['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall', 'BadDigest', 'InvalidRequest']);

/** One that cannot be deleted holds up nothing: the orphan collector comes by later. */
async function discardOne(client: S3Client, Bucket: string, Key: string): Promise<string[]> {
  try {
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
    return [];
  } catch (error) {
    logger.warn('A payload could not be deleted', { key: Key, error: error as Error });
    return [Key];
  }
}

async function discardBatch(client: S3Client, Bucket: string, keys: readonly string[]): Promise<string[]> {
  try {
    const { Errors = [] } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true } }),
      { requestTimeout: discardTimeoutMs },
    );
    for (const { Key, Code, Message } of Errors)
      logger.warn('A payload could not be deleted', { key: Key, code: Code, reason: Message });
    return Errors.flatMap(({ Key }) => Key ?? []);
  } catch (error) {
    logger.warn('Payloads could not be deleted', { keys, error: error as Error });
    return [...keys];
  }
}
