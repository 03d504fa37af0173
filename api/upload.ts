/** The limits of an upload, and the form of its id. */
import * as z from 'zod/mini';

/** The longest that one PUT may be, bytes. */
export const maxPutBytes = 64 * 1024 ** 2;
export const maxPayloadBytes = 5 * 1024 ** 4;
export const maxParts = 10_000;
/** S3's limits of one part, bytes; the last one may be smaller. */
export const minPartBytes = 5 * 1024 ** 2;
export const maxPartBytes = 5 * 1024 ** 3;
/** An upload can be committed for so long; the orphan collector waits longer. */
export const uploadLifetimeMs = 12 * 3_600_000;

export const uuidV7 = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

/** A UUID v7; for an upload in parts followed by S3's own id of it, so that no server has to remember it. */
export const uploadId = z
  .string()
  .check(
    z.maxLength(1_500),
    z.regex(new RegExp(`^${uuidV7}(\\.[A-Za-z0-9_-]{2,})?$`), 'must be an upload id as the uploads route answered it'),
  );

/** The headers with which a presigned URL was signed: a request to it has to carry them all. */
export const signedHeaders = z.record(z.string(), z.string()).register(z.globalRegistry, { id: 'SignedHeaders' });
