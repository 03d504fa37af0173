import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Crc32c, Crc64Nvme } from '@aws-sdk/checksums/crc';
import { S3Error } from './errors.ts';

export type Algorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256' | 'SHA512' | 'MD5';
export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT';

/** An object's checksum; the value of a composite one ends with `-` and the number of parts. */
export interface Checksum {
  algorithm: Algorithm;
  type: ChecksumType;
  value: string;
}

interface Hasher {
  update(data: Uint8Array): unknown;
  digest(): Uint8Array | Promise<Uint8Array>;
}

const hashers: Record<Algorithm, () => Hasher> = {
  CRC32: crc32Hasher,
  CRC32C: () => new Crc32c(),
  CRC64NVME: () => new Crc64Nvme(),
  SHA1: () => createHash('sha1'),
  SHA256: () => createHash('sha256'),
  SHA512: () => createHash('sha512'),
  MD5: () => createHash('md5'),
};

const digestBytes: Record<Algorithm, number> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
  MD5: 16,
};

const algorithms = Object.keys(hashers) as Algorithm[];

export const checksumHeader = (algorithm: Algorithm) => `x-amz-checksum-${algorithm.toLowerCase()}`;
export const checksumElement = (algorithm: Algorithm) => `Checksum${algorithm}`;
export const newHasher = (algorithm: Algorithm): Hasher => hashers[algorithm]();

/**
 * Reads the name of an algorithm; throws NotImplemented for those of S3 that this server does not compute (XXHASH…).
 */
export function readAlgorithm(name: string): Algorithm {
  const algorithm = algorithms.find((known) => known === name.toUpperCase());
  if (algorithm) return algorithm;
  throw new S3Error('NotImplemented', `Checksum algorithm ${name} is not one of ${algorithms.join(', ')}`);
}

/** The one x-amz-checksum-* among headers or trailers, undefined when there is none. */
export function findChecksum(fields: Map<string, string>): { algorithm: Algorithm; value: string } | undefined {
  const named = [...fields].filter(([name]) => /^x-amz-checksum-/.test(name) && !/-(algorithm|type|mode)$/.test(name));
  if (named.length > 1) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  const [found] = named;
  return found && { algorithm: readAlgorithm(found[0].slice('x-amz-checksum-'.length)), value: found[1] };
}

/** Throws InvalidRequest unless the value is a digest of the right length in Base64, without a part count. */
export function requireDigest(algorithm: Algorithm, value: string) {
  const digest = Buffer.from(value, 'base64');
  if (digest.length !== digestBytes[algorithm] || digest.toString('base64') !== value) {
    throw new S3Error('InvalidRequest', `Value for ${checksumHeader(algorithm)} header is invalid.`);
  }
}

export async function digestOf(hasher: Hasher): Promise<Buffer> {
  return Buffer.from(await hasher.digest());
}

/** The checksum of the parts' checksums, in order, with their number: what S3 keeps for a multipart upload. */
export async function compositeOf(algorithm: Algorithm, partValues: string[]): Promise<string> {
  const hasher = newHasher(algorithm);
  for (const value of partValues) hasher.update(Buffer.from(value, 'base64'));
  return `${(await digestOf(hasher)).toString('base64')}-${partValues.length}`;
}

function crc32Hasher(): Hasher {
  let value = 0;
  return {
    update: (data) => {
      value = crc32(data, value);
    },
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
  };
}
