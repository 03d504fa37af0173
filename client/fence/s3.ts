/**
 * The fence in S3.
 *
 * Guarantee: an object written only through here never changes from a newer version back to an older one. Each write is
 * a conditional PUT (`If-Match` on the ETag that was read, `If-None-Match: *` on a new object), and the object's
 * metadata carries the version. A manifest guarded like this can name any number of other objects under fresh keys.
 *
 * Not guarded: plain PUTs. S3 lets the last one win, from any sender. A plain DeleteObject also removes the fence;
 * `fencedS3Delete` leaves a marker object instead.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { FencedError, type FencingTerm, versionOf } from './fence.ts';
import { wholeOption } from './options.ts';

export interface S3Place {
  readonly bucket: string;
  readonly key: string;
}

export interface S3Options {
  /**
   * How often the object is read and written in all when another writer comes in between: 1 to 100.
   * @defaultValue 10
   */
  readonly tries?: number;
  /** The object's content type. */
  readonly contentType?: string;
}

const versionKey = 'tenure-fencing-version';
const deletedKey = 'tenure-deleted';
/** Tells a lost answer from a rival: the object already carries the id of this call's own write. */
const writeKey = 'tenure-write';

type Body = string | Uint8Array;

/**
 * Replaces an object by what `change` makes of it, unless a newer version wrote it. `change` receives the bytes, or
 * undefined when there is no object; it may run more than once.
 *
 * @returns the ETag of what was written.
 * @throws `FencedError` when a newer version wrote the object. An `Error` when other writers won `tries` times in a
 *   row.
 * @example
 * ```ts
 * import { S3Client } from '@aws-sdk/client-s3';
 * import { fenced } from 'tenure/fence';
 *
 * declare const term: { fencingVersion: number };
 * await fenced.s3(new S3Client(), { bucket: 'b', key: 'manifest.json' }, term, (old) => {
 *   const files: string[] = old ? JSON.parse(new TextDecoder().decode(old)) : [];
 *   return JSON.stringify([...files, 'part-0001']);
 * });
 * ```
 */
export function fencedS3(
  client: S3Client,
  place: S3Place,
  term: FencingTerm,
  change: (old: Uint8Array | undefined) => Body | Promise<Body>,
  options: S3Options = {},
): Promise<string> {
  return replaceObject(client, place, term, async (old) => ({ Body: await change(old), deleted: false }), options);
}

/**
 * Marks the object as deleted, unless a newer version wrote it: `fencedS3` then finds no object, and the fence stays.
 */
export function fencedS3Delete(
  client: S3Client,
  place: S3Place,
  term: FencingTerm,
  options: S3Options = {},
): Promise<string> {
  return replaceObject(client, place, term, async () => ({ Body: '', deleted: true }), options);
}

interface Content {
  readonly Body: Body;
  readonly deleted: boolean;
}

async function replaceObject(
  client: S3Client,
  place: S3Place,
  term: FencingTerm,
  contentFor: (old: Uint8Array | undefined) => Promise<Content>,
  { tries = 10, contentType }: S3Options,
): Promise<string> {
  const version = versionOf(term);
  const runs = wholeOption('tries', tries, [1, 100]);
  // Only here: a program that guards another store need not install it.
  const { PutObjectCommand } = await import('@aws-sdk/client-s3');
  const write = randomUUID();
  for (let tried = 1; tried <= runs; tried += 1) {
    const found = await readObject(client, place);
    if (found?.write === write) return found.etag;
    if (found && found.version > version)
      throw new FencedError(`s3://${place.bucket}/${place.key}`, version, found.version);
    const { Body, deleted } = await contentFor(found?.bytes);
    try {
      const written = await client.send(
        new PutObjectCommand({
          Bucket: place.bucket,
          Key: place.key,
          Body,
          Metadata: { [versionKey]: String(version), [writeKey]: write, ...(deleted ? { [deletedKey]: 'true' } : {}) },
          ...(contentType === undefined ? {} : { ContentType: contentType }),
          ...(found ? { IfMatch: found.etag } : { IfNoneMatch: '*' }),
        }),
      );
      return written.ETag ?? '';
    } catch (error) {
      if (!isConflict(error)) throw error;
      await pause(Math.random() * 20 * 2 ** Math.min(tried, 6));
    }
  }
  throw new Error(`Other writers changed s3://${place.bucket}/${place.key} ${tries} times in a row; try again later`);
}

interface Found {
  readonly etag: string;
  readonly version: number;
  readonly write: string | undefined;
  /** Undefined where the object is marked as deleted. */
  readonly bytes: Uint8Array | undefined;
}

async function readObject(client: S3Client, { bucket, key }: S3Place): Promise<Found | undefined> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3');
  try {
    const { ETag = '', Metadata = {}, Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    return {
      etag: ETag,
      version: Number(Metadata[versionKey] ?? 0),
      write: Metadata[writeKey],
      bytes: Metadata[deletedKey] === 'true' ? undefined : bytes,
    };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

const statusOf = (error: unknown) => (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/**
 * 412: the object changed. 409: another conditional write is under way. 404: the object was removed since it was read.
 */
const isConflict = (error: unknown) => [404, 409, 412].includes(statusOf(error) ?? 0);
