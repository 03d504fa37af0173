import { createHash } from 'node:crypto';

/** The same UUID for the same words: two requests, or two ticks, that mean the same make one thing. */
export function uuidFrom(...words: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(words)).digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  return formatted(digest);
}

/** The same with the instant in front, as a UUID v7 has it, so that such ids sort by time among others. */
export function timedUuidFrom(at: number, ...words: readonly string[]): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([at, ...words]))
    .digest();
  digest.writeUIntBE(at, 0, 6);
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x70;
  return formatted(digest);
}

function formatted(digest: Buffer): string {
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
