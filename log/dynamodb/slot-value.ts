/**
 * The entries of a slot as one binary attribute: few bytes in addition to the entries themselves, so that a slot costs
 * little more than they do.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type Share, slotBytes } from '../protocol/replica.ts';

export interface Packed {
  readonly requests: readonly Share[];
  readonly entries: readonly Uint8Array[];
}

/**
 * The number of requests, then of each its name and count; the number of entries, then of each its length; the entries.
 */
export function pack({ requests, entries }: Packed): Uint8Array {
  const head: number[] = [];
  const number = (value: number) => {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
    head.push(rest);
  };
  number(requests.length);
  for (const { requestId, count } of requests) {
    const name = Buffer.from(requestId);
    number(name.length);
    head.push(...name);
    number(count);
  }
  number(entries.length);
  for (const { length } of entries) number(length);
  return Buffer.concat([Buffer.from(head), ...entries]);
}

export function unpack(packed: Uint8Array): Packed {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; shift < 56; shift += 7) {
      const byte = bytes.readUInt8(at);
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`A number in front of byte ${at} of a slot's value does not end`);
  };
  const take = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const list = <Part>(part: () => Part) => Array.from({ length: number() }, part);
  const requests = list(() => ({ requestId: take(number()).toString(), count: number() }));
  const lengths = list(number);
  return { requests, entries: lengths.map((length) => Uint8Array.from(take(length))) };
}

/** Below this there is little to gain. */
const leastDeflated = 256;
/** The most bytes of an attribute: the entries, and where each begins. */
const mostInflated = 2 * slotBytes;

/** Deflated, where that is at least an eighth smaller: entries of one log resemble each other. */
export function deflated(packed: Uint8Array): Uint8Array | undefined {
  if (packed.length < leastDeflated) return undefined;
  const smaller = deflateRawSync(packed, { level: 1 });
  return smaller.length <= (packed.length * 7) / 8 ? smaller : undefined;
}

export function inflated(smaller: Uint8Array): Uint8Array {
  return inflateRawSync(smaller, { maxOutputLength: mostInflated });
}
