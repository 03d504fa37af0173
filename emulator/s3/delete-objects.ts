import * as z from 'zod';
import { readDocument } from './body.ts';
import { S3Error } from './errors.ts';
import type { Answer, Context } from './handler.ts';
import type { S3Request } from './request.ts';
import { element, leaf, many, readXml, xmlDocument } from './xml.ts';

const MAX_KEYS = 1000;

const wanted = z.object({
  Object: many(z.object({ Key: z.string().min(1), ETag: z.string().optional(), VersionId: z.string().optional() })),
  Quiet: z.string().optional(),
});

/** DeleteObjects: up to 1000 keys; one that fails is listed and does not stop the others. Quiet lists only those. */
export async function deleteObjects(request: S3Request, { store, payload }: Context): Promise<Answer> {
  const bucket = store.bucket(request.bucket);
  const { text, isVouched } = await readDocument(request, payload);
  if (!isVouched) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*');
  }
  const { Object: objects, Quiet } = readXml(text, 'Delete', wanted);
  if (objects.length === 0 || objects.length > MAX_KEYS) {
    throw new S3Error('MalformedXML', `Delete takes 1 to ${MAX_KEYS} objects, got ${objects.length}`);
  }
  const results: string[] = [];
  const free: string[] = [];
  for (const { Key, ETag, VersionId } of objects) {
    try {
      if (VersionId !== undefined && VersionId !== 'null') {
        throw new S3Error('NotImplemented', 'Versions of objects are not kept here');
      }
      free.push(...bucket.delete(Key, { ifMatch: ETag, ifNoneMatch: undefined }));
      if (Quiet !== 'true') results.push(element('Deleted', leaf('Key', Key)));
    } catch (cause) {
      if (!(cause instanceof S3Error)) throw cause;
      results.push(element('Error', leaf('Key', Key), leaf('Code', cause.code), leaf('Message', cause.message)));
    }
  }
  await bucket.blobs.remove(free);
  return { status: 200, body: xmlDocument('DeleteResult', ...results) };
}
