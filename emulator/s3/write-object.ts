import * as z from 'zod';
import { readDocument, receiveBody } from './body.ts';
import { commitObject } from './commit.ts';
import { readWriteCondition } from './conditions.ts';
import { checksumHeaders, checkTags, readDescription, refuseUnknownWishes, wholeSeconds } from './description.ts';
import { noSuchKey } from './errors.ts';
import type { Answer, Context } from './handler.ts';
import type { S3Request } from './request.ts';
import { element, leaf, many, readXml, xmlDocument } from './xml.ts';

export const MAX_PUT_BYTES = 5 * 1024 ** 3;

export async function putObject(request: S3Request, { store, payload, now }: Context): Promise<Answer> {
  const bucket = store.bucket(request.bucket);
  refuseUnknownWishes(request.headers);
  const about = { ...readDescription(request.headers), key: request.key, lastModified: () => wholeSeconds(now()) };
  const condition = readWriteCondition(request.headers);
  const record = await commitObject(bucket, about, condition, (write) =>
    receiveBody(request, { payload, maxBytes: MAX_PUT_BYTES }, write),
  );
  return { status: 200, headers: { etag: `"${record.etag}"`, ...checksumHeaders(record) } };
}

/** DeleteObject: success whether or not there was one, unless If-Match asks for it. */
export async function deleteObject(request: S3Request, { store }: Context): Promise<Answer> {
  const bucket = store.bucket(request.bucket);
  refuseUnknownWishes(request.headers);
  const ifMatch = request.headers.get('if-match');
  await bucket.blobs.remove(bucket.delete(request.key, { ifMatch, ifNoneMatch: undefined }));
  return { status: 204 };
}

const tagging = z.object({
  TagSet: z
    .object({ Tag: many(z.object({ Key: z.string(), Value: z.string() })) })
    .or(z.literal('').transform(() => ({ Tag: [] }))),
});

export async function putObjectTagging(request: S3Request, { store, payload }: Context): Promise<Answer> {
  const bucket = store.bucket(request.bucket);
  const { text } = await readDocument(request, payload);
  const { Tag } = readXml(text, 'Tagging', tagging).TagSet;
  bucket.tag(request.key, checkTags(Tag.map(({ Key, Value }) => [Key, Value])));
  return { status: 200 };
}

export function getObjectTagging(request: S3Request, { store }: Context): Answer {
  const record = store.bucket(request.bucket).get(request.key);
  if (!record) throw noSuchKey(request.key);
  const tags = Object.entries(record.tags).map(([name, value]) =>
    element('Tag', leaf('Key', name), leaf('Value', value)),
  );
  return { status: 200, body: xmlDocument('Tagging', element('TagSet', ...tags)) };
}

export function deleteObjectTagging(request: S3Request, { store }: Context): Answer {
  store.bucket(request.bucket).tag(request.key, {});
  return { status: 204 };
}
