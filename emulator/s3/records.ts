import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Algorithm, Checksum, ChecksumType } from './checksums.ts';

/** A client's description of an object, without its bytes. */
export interface Description {
  /** content-type and its like, by lower-case header name. */
  headers: Record<string, string>;
  /** x-amz-meta-*, without the prefix. */
  metadata: Record<string, string>;
  tags: Record<string, string>;
}

export interface PartRecord {
  number: number;
  blob: string;
  size: number;
  /** Hex; the part's ETag. */
  md5: string;
  /** Base64; of the upload's algorithm if it has one. */
  checksum?: { algorithm: Algorithm; value: string };
  /** Milliseconds, whole seconds, as all times in S3's answers. */
  lastModified: number;
}

export interface ObjectRecord extends Description {
  key: string;
  size: number;
  /** Without quotes: the MD5 in hex, or the MD5 of the parts' MD5s with `-` and their number. */
  etag: string;
  lastModified: number;
  checksum?: Checksum;
  /** One for a single PUT. */
  parts: PartRecord[];
}

export interface UploadRecord extends Description {
  id: string;
  key: string;
  initiated: number;
  algorithm?: Algorithm;
  type?: ChecksumType;
}

/**
 * Writes a small JSON file whole or not at all. It is synchronous on purpose: a condition checked just before and this
 * write happen in one turn of the event loop, so nothing can come between them.
 */
export function writeRecord(path: string, record: object) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  writeFileSync(temporary, JSON.stringify(record));
  renameSync(temporary, path);
}

export function removeRecord(path: string) {
  rmSync(path, { force: true });
}

export async function readRecord<T>(path: string): Promise<T> {
  const text = await readFile(path, 'utf8');
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new Error(`${path} is damaged (${cause}): remove it, or start with another data folder`);
  }
}
