import { createHash } from 'node:crypto';

/** An Idempotency-Key as a record keeps it: 22 characters, however long the key is. */
export const markOf = (idempotencyKey: string): string =>
  createHash('sha256').update(idempotencyKey).digest('base64url').slice(0, 22);
