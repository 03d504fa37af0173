import { createHash, randomUUID } from 'node:crypto';
import type { Expression } from 'jsonata';
import jsonata from 'jsonata';
import type { Json } from './model.ts';

const fromMillis = jsonata('$fromMillis($instant, $picture, $timezone)');
const hashes: Record<string, string> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/**
 * Gives an expression the functions that Step Functions adds to JSONata, takes away the one that it removes, and puts
 * the injected time and randomness in.
 */
export function addFunctions(expression: Expression, now: () => number, random: () => number): void {
  expression.assign('eval', undefined);
  expression.registerFunction('millis', now, '<:n>');
  expression.registerFunction(
    'now',
    (picture?: string, timezone?: string) => fromMillis.evaluate(undefined, { instant: now(), picture, timezone }),
    '<s?s?:s>',
  );
  expression.registerFunction('uuid', () => randomUUID(), '<:s>');
  expression.registerFunction('random', (seed?: number) => (seed === undefined ? random() : seeded(seed)), '<n?:n>');
  expression.registerFunction('parse', parse, '<s:x>');
  expression.registerFunction('hash', hash, '<xs:s>');
  expression.registerFunction('partition', partition, '<an:a>');
  expression.registerFunction('range', range, '<nnn:a>');
}

function parse(text?: string): Json | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Json);
}

function hash(data: unknown, algorithm: string): string | undefined {
  if (data === undefined) return undefined;
  const name = hashes[algorithm];
  if (!name) throw new Error(`$hash knows ${Object.keys(hashes).join(', ')}, not '${algorithm}'`);
  return createHash(name)
    .update(typeof data === 'string' ? data : JSON.stringify(data))
    .digest('hex');
}

function partition(items: unknown[] | undefined, size: number): unknown[][] | undefined {
  if (items === undefined) return undefined;
  if (!Number.isInteger(size) || size < 1) throw new Error(`$partition needs a chunk size of at least 1, not ${size}`);
  const chunks: unknown[][] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
}

function range(first: number, last: number, step: number): number[] {
  if (![first, last, step].every(Number.isInteger))
    throw new Error(`$range needs integers, not ${first}, ${last}, ${step}`);
  if (step === 0) throw new Error('$range needs a step other than 0');
  const count = Math.max(0, Math.floor((last - first) / step) + 1);
  if (count > 1000) throw new Error(`$range answers at most 1000 numbers, not ${count}`);
  return Array.from({ length: count }, (_, index) => first + index * step);
}

/** The same number for the same seed (mulberry32); AWS's own sequence is not published. */
function seeded(seed: number): number {
  let mixed = (Math.trunc(seed) + 0x6d2b79f5) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
