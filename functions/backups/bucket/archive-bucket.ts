/** The S3 requests on archives. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  type Part,
  PutObjectCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { atMost } from '../../platform/at-most.ts';
import { listTimeoutMs } from '../../platform/aws.ts';

/** S3 copies some 100 MiB a second inside a Region. */
const copyTimeoutMs = 600_000;
const transferTimeoutMs = 60_000;
const partBytes = 256 * 1024 ** 2;
const maxParts = 10_000;
/** Over all objects that are being copied; the other requests need sockets, too. */
const partsAtOnce = 64;

export interface Place {
  readonly bucket: string;
  readonly key: string;
}

export interface Head {
  readonly bytes: number;
  /** SHA-256 in base64, or the composite of the parts'; undefined when S3 keeps none. */
  readonly checksum?: string | undefined;
  /** When it was written, epoch ms; undefined for what was just copied. */
  readonly modifiedAt?: number | undefined;
}

export interface CopyLimits {
  /** Larger objects are copied by parts, bytes; S3 allows 5 GiB. */
  readonly wholeUpTo: number;
  /** Whether there is time for another part. */
  readonly goOn: () => boolean;
}

/** `resume`, S3's id of the upload: parts are still missing; copying again continues where this stopped. */
export type CopyOutcome = { readonly copied: Head } | { readonly resume: string };

/** The port to the objects of archives. A missing object is undefined, not thrown. */
export interface ArchiveBucket {
  head(place: Place): Promise<Head | undefined>;
  open(place: Place): Promise<AsyncIterable<Uint8Array> | undefined>;
  put(place: Place, bytes: Uint8Array, sha256: string): Promise<void>;
  /** False when the key is taken already. */
  putNew(place: Place, bytes: Uint8Array): Promise<boolean>;
  /** Copies an object of known size inside S3, which computes the SHA-256 of the copy. */
  copy(from: Place, to: Place, bytes: number, limits: CopyLimits): Promise<CopyOutcome>;
  /** The folders directly below a prefix that ends with a slash. */
  folders(place: Place): Promise<string[]>;
}

/** The port, bound to S3. */
export class S3ArchiveBucket implements ArchiveBucket {
  readonly #client: S3Client;
  readonly #inTurn = atMost(partsAtOnce);

  constructor(client: S3Client) {
    this.#client = client;
  }

  async head({ bucket, key }: Place): Promise<Head | undefined> {
    const command = new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' });
    const found = await ignoreMissing(this.#client.send(command));
    if (!found) return undefined;
    const modifiedAt = found.LastModified?.getTime();
    return { bytes: found.ContentLength ?? 0, checksum: found.ChecksumSHA256, modifiedAt };
  }

  async open({ bucket, key }: Place): Promise<AsyncIterable<Uint8Array> | undefined> {
    const command = new GetObjectCommand({ Bucket: bucket, Key: key });
    const found = await ignoreMissing(this.#client.send(command, { requestTimeout: transferTimeoutMs }));
    return found?.Body as AsyncIterable<Uint8Array> | undefined;
  }

  async put({ bucket, key }: Place, Body: Uint8Array, sha256: string): Promise<void> {
    const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64');
    const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body, ChecksumSHA256 });
    await this.#client.send(command, { requestTimeout: transferTimeoutMs });
  }

  async putNew({ bucket, key }: Place, Body: Uint8Array): Promise<boolean> {
    try {
      await this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body, IfNoneMatch: '*' }), {
        requestTimeout: transferTimeoutMs,
      });
      return true;
    } catch (error) {
      const { name } = error as Error;
      if (name === 'PreconditionFailed' || name === 'ConditionalRequestConflict') return false;
      throw error;
    }
  }

  async copy(from: Place, to: Place, bytes: number, limits: CopyLimits): Promise<CopyOutcome> {
    if (bytes > limits.wholeUpTo) return this.#copyParts(from, to, bytes, limits);
    const command = new CopyObjectCommand({
      Bucket: to.bucket,
      Key: to.key,
      CopySource: sourceOf(from),
      ChecksumAlgorithm: 'SHA256',
    });
    const { CopyObjectResult } = await this.#client.send(command, { requestTimeout: copyTimeoutMs });
    return { copied: { bytes, checksum: CopyObjectResult?.ChecksumSHA256 } };
  }

  async folders({ bucket, key }: Place): Promise<string[]> {
    const found: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: key, Delimiter: '/', ContinuationToken }),
        { requestTimeout: listTimeoutMs },
      );
      found.push(...(page.CommonPrefixes ?? []).flatMap(({ Prefix }) => Prefix ?? []));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return found;
  }

  async #copyParts(from: Place, to: Place, bytes: number, { goOn }: CopyLimits): Promise<CopyOutcome> {
    const size = Math.max(partBytes, Math.ceil(bytes / maxParts));
    const UploadId = (await uploadUnderWay(this.#client, to)) ?? (await beginCopy(this.#client, to));
    const target = { Bucket: to.bucket, Key: to.key, UploadId };
    const done = await partsOf(this.#client, target);
    const open = Array.from({ length: Math.ceil(bytes / size) }, (_, at) => at + 1).filter((part) => !done.has(part));
    const copyPart = async (PartNumber: number) => {
      if (!goOn()) return;
      const first = (PartNumber - 1) * size;
      const CopySourceRange = `bytes=${first}-${Math.min(bytes, first + size) - 1}`;
      const command = new UploadPartCopyCommand({ ...target, PartNumber, CopySourceRange, CopySource: sourceOf(from) });
      const { CopyPartResult } = await this.#client.send(command, { requestTimeout: copyTimeoutMs });
      done.set(PartNumber, { PartNumber, ETag: CopyPartResult?.ETag, ChecksumSHA256: CopyPartResult?.ChecksumSHA256 });
    };
    await mapConcurrent(open, 8, (part) => this.#inTurn(() => copyPart(part)));
    if (done.size < Math.ceil(bytes / size)) return { resume: UploadId };
    const Parts = [...done.values()]
      .sort((one, other) => (one.PartNumber ?? 0) - (other.PartNumber ?? 0))
      .map(({ PartNumber, ETag, ChecksumSHA256 }) => ({ PartNumber, ETag, ChecksumSHA256 }));
    const command = new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } });
    const { ChecksumSHA256 } = await this.#client.send(command, { requestTimeout: copyTimeoutMs });
    return { copied: { bytes, checksum: ChecksumSHA256 } };
  }
}

const sourceOf = ({ bucket, key }: Place) => `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;

async function beginCopy(client: S3Client, { bucket, key }: Place): Promise<string> {
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      ChecksumAlgorithm: 'SHA256',
      ChecksumType: 'COMPOSITE',
    }),
  );
  if (!UploadId) throw new Error(`S3 began a copy to ${key} and gave it no id`);
  return UploadId;
}

async function uploadUnderWay(client: S3Client, { bucket, key }: Place): Promise<string | undefined> {
  const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key });
  const { Uploads = [] } = await client.send(command, { requestTimeout: listTimeoutMs });
  return Uploads.find(({ Key }) => Key === key)?.UploadId;
}

async function partsOf(client: S3Client, target: { Bucket: string; Key: string; UploadId: string }) {
  const done = new Map<number, Part>();
  let PartNumberMarker: string | undefined;
  do {
    const command = new ListPartsCommand({ ...target, PartNumberMarker });
    const page = await client.send(command, { requestTimeout: listTimeoutMs });
    for (const part of page.Parts ?? []) done.set(part.PartNumber ?? 0, part);
    PartNumberMarker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (PartNumberMarker !== undefined);
  return done;
}

async function ignoreMissing<Answer>(request: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await request;
  } catch (error) {
    const { name } = error as Error;
    // A HEAD has no body, so S3 cannot say NoSuchKey.
    if (name === 'NoSuchKey' || name === 'NotFound') return undefined;
    throw error;
  }
}
