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
import { type PayloadStore, urlLifetimeSeconds } from './payload-store.ts';

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
export function payloadBucket(client: S3Client, bucket: string): PayloadStore {
  return {
    signPut: async (Key, { bytes, sha256 }, now) => {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key,
        ContentLength: bytes,
        ChecksumSHA256: base64(sha256),
        IfNoneMatch: '*',
      });
      const url = await getSignedUrl(client, command, signedUntil(now));
      return { url, headers: { [checksumHeader]: base64(sha256), 'if-none-match': '*' } };
    },

    async beginParts(Key) {
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({
          Bucket: bucket,
          Key,
          ChecksumAlgorithm: 'SHA256',
          ChecksumType: 'COMPOSITE',
        }),
      );
      if (!UploadId) throw new Error(`S3 began an upload of ${Key} and gave it no id`);
      return UploadId;
    },

    signPart: async (Key, UploadId, PartNumber, { bytes, sha256 }, now) => {
      const command = new UploadPartCommand({
        Bucket: bucket,
        Key,
        UploadId,
        PartNumber,
        ContentLength: bytes,
        ChecksumSHA256: base64(sha256),
      });
      const url = await getSignedUrl(client, command, signedUntil(now));
      return { url, headers: { [checksumHeader]: base64(sha256) } };
    },

    async complete(Key, UploadId, parts) {
      const Parts = parts.map(({ partNumber, etag, sha256 }) => ({
        PartNumber: partNumber,
        ETag: etag,
        ChecksumSHA256: base64(sha256),
      }));
      try {
        await client.send(
          new CompleteMultipartUploadCommand({
            Bucket: bucket,
            Key,
            UploadId,
            MultipartUpload: { Parts },
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
    },

    async put(Key, Body, sha256) {
      const command = { Bucket: bucket, Key, Body, ChecksumSHA256: base64(sha256), IfNoneMatch: '*' };
      await client.send(new PutObjectCommand(command)).catch((error: Error) => {
        if (error.name !== 'PreconditionFailed') throw error;
      });
    },

    async stat(Key) {
      try {
        const { ContentLength = 0, ChecksumSHA256 } = await client.send(
          new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }),
        );
        return { bytes: ContentLength, checksum: ChecksumSHA256 };
      } catch (error) {
        // A HEAD has no body, so S3 cannot say NoSuchKey.
        if ((error as Error).name === 'NotFound') return undefined;
        throw error;
      }
    },

    signGet: (Key, now) => getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key }), signedUntil(now)),

    async discard(keys) {
      const [only] = keys;
      const batches = Array.from({ length: Math.ceil(keys.length / 1_000) }, (_, at) =>
        keys.slice(at * 1_000, at * 1_000 + 1_000),
      );
      const left =
        keys.length === 1 && only !== undefined
          ? [await discardOne(client, bucket, only)]
          : await Promise.all(batches.map((batch) => discardBatch(client, bucket, batch)));
      return left.flat();
    },

    async list(prefix, after) {
      const { Contents = [], IsTruncated = false } = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, StartAfter: after }),
        { requestTimeout: listTimeoutMs },
      );
      const items = Contents.map(({ Key = '', Size = 0, LastModified }) => ({
        key: Key,
        bytes: Size,
        modifiedAt: LastModified?.getTime() ?? Number.POSITIVE_INFINITY,
      }));
      return { items, more: IsTruncated };
    },
  };
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
