/**
 * How the record of a writer looks as attributes of the sequencer's item, so that the item stays below 1 KB: an append
 * costs 1 unit.
 */
import { createHash } from 'node:crypto';
import { keyOf } from '../../store/idempotency.ts';
import type { Handed, WriterRecord } from '../protocol/sequencer.ts';

type Attributes = Record<string, unknown>;

const idBytes = 9;
const handedBytes = idBytes + 1;
const joinsBit = 0x80;

/** Of the twelve characters of a request's name: of so few that another key has them once in 10^10 appends. */
const keyLength = 7;
const nameLength = (idBytes * 4) / 3;

/**
 * Names a request by the caller's key and what it asks for: the same key with another payload is another request with
 * the same beginning.
 */
export function namesOf(request: string, ...parts: readonly (string | Uint8Array)[]) {
  const key = createHash('sha256').update(keyOf(request)).digest('base64url').slice(0, keyLength);
  const hash = createHash('sha256').update(request);
  for (const part of parts) hash.update(`\n${part.length}\n`).update(part);
  return { key, requestId: key + hash.digest('base64url').slice(0, nameLength - keyLength) };
}

export function toAttributes({ views, recent, exclusive, ...writer }: WriterRecord): Attributes {
  return {
    ...writer,
    ...(exclusive && { exclusive: true }),
    views: views.map((view) => view ?? null),
    recent: packed(recent),
  };
}

/** Undefined where the log never had a writer. */
export function toWriterRecord(item: Attributes | undefined): WriterRecord | undefined {
  if (item?.['revision'] === undefined) return undefined;
  const { revision, number, writerId, first, next, settled, regularFrom, since, closed, views, recent } = item;
  // An item of an older version does not say where its truncations are.
  const truncation = item['truncation'] ?? (next as number) - 1;
  const writer = { revision, number, writerId, first, next, settled, regularFrom, since, closed, truncation };
  return {
    ...(writer as Omit<WriterRecord, 'views' | 'recent'>),
    views: toViews(views),
    ...(item['exclusive'] === true && { exclusive: 'elsewhere' as const }),
    recent: unpacked(recent as Uint8Array),
  };
}

function toViews(views: unknown) {
  return (views as (string | null)[]).map((view) => view ?? undefined);
}

/**
 * For each nine bytes of the request's name, all zero for a forgotten one, and one for the number of its positions, at
 * most 64; its highest bit says that the request shares the slot of the one before it.
 */
function packed(recent: readonly Handed[]): Uint8Array {
  const bytes = Buffer.alloc(recent.length * handedBytes);
  for (const [at, { requestId, count, joins }] of recent.entries()) {
    if (requestId !== '' && bytes.write(requestId, at * handedBytes, handedBytes, 'base64url') !== idBytes) {
      throw new RangeError(`A request is named by ${idBytes} bytes in base64url, not by "${requestId}"`);
    }
    bytes.writeUInt8(joins ? count | joinsBit : count, at * handedBytes + idBytes);
  }
  return bytes;
}

function unpacked(recent: Uint8Array): Handed[] {
  const bytes = Buffer.from(recent);
  return Array.from({ length: bytes.length / handedBytes }, (_, at) => {
    const handed = bytes.subarray(at * handedBytes, (at + 1) * handedBytes);
    const id = handed.subarray(0, idBytes);
    const last = handed[idBytes] ?? 0;
    return {
      requestId: id.every((byte) => byte === 0) ? '' : id.toString('base64url'),
      count: last & ~joinsBit,
      ...((last & joinsBit) !== 0 && { joins: true as const }),
    };
  });
}
