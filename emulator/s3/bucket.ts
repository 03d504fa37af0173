import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Blobs } from './blobs.ts';
import { isConditional, requireWriteCondition, type WriteCondition } from './conditions.ts';
import { noSuchBucket, noSuchKey, noSuchUpload, S3Error } from './errors.ts';
import { lowerBound, toBytes } from './key-order.ts';
import {
  type ObjectRecord,
  type PartRecord,
  readRecord,
  removeRecord,
  type UploadRecord,
  writeRecord,
} from './records.ts';

const LOAD_AT_ONCE = 64;

/** A multipart upload that is neither completed nor aborted. */
export interface Upload {
  record: UploadRecord;
  parts: Map<number, PartRecord>;
}

/** Marked when the object that a conditional write is about is deleted before the write is through. */
export interface Guard {
  isConflicted: boolean;
}

/**
 * One bucket: its index in memory, its records on disk. A record is the truth: it is written after the blobs that it
 * names and removed before them, so a process killed at any point leaves at most blobs that nobody names, which `load`
 * removes. (A power cut is not covered: nothing is flushed to the disk by force.)
 *
 *     bucket.json
 *     objects/<SHA-256 of the key>.json   so that any key is a safe file name
 *     uploads/<id>/upload.json, <part number>.json
 *     blobs/<random>
 */
export class Bucket {
  readonly blobs: Blobs;
  readonly uploads = new Map<string, Upload>();
  #objects = new Map<string, ObjectRecord>();
  #sorted: string[] = [];
  #guards = new Map<string, Set<Guard>>();
  #isGone = false;

  static readonly folders = ['objects', 'uploads', 'blobs'];

  constructor(
    readonly name: string,
    readonly createdAt: number,
    private readonly folder: string,
  ) {
    this.blobs = new Blobs(join(folder, 'blobs'));
  }

  /** Keys in byte form, in S3's order. */
  get sortedKeys(): string[] {
    return this.#sorted;
  }

  get isEmpty(): boolean {
    return this.#objects.size === 0;
  }

  get(key: string): ObjectRecord | undefined {
    return this.#objects.get(key);
  }

  /** Runs a conditional write under a guard, which `put` then consults. */
  async runGuarded<T>(key: string, condition: WriteCondition, write: (guard: Guard) => Promise<T>): Promise<T> {
    const guard = { isConflicted: false };
    if (!isConditional(condition)) return write(guard);
    const guards = this.#guards.get(key) ?? new Set();
    this.#guards.set(key, guards.add(guard));
    try {
      return await write(guard);
    } finally {
      guards.delete(guard);
      if (guards.size === 0) this.#guards.delete(key);
    }
  }

  /**
   * Makes the object visible if the condition holds at this moment, and answers the blobs that it replaced. Throws
   * PreconditionFailed, NoSuchKey, or ConditionalRequestConflict when another object with the key was deleted since the
   * write began.
   */
  put(record: ObjectRecord, condition: WriteCondition, guard: Guard): string[] {
    if (this.#isGone) throw noSuchBucket(this.name);
    const present = this.#objects.get(record.key);
    requireWriteCondition(condition, record.key, present);
    if (guard.isConflicted) {
      throw new S3Error(
        'ConditionalRequestConflict',
        'The conditional request cannot succeed due to a conflicting operation against this resource.',
        { Key: record.key },
      );
    }
    writeRecord(this.#objectPath(record.key), record);
    this.#index(record);
    return present?.parts.map(({ blob }) => blob) ?? [];
  }

  /** Replaces an object's tags, never its bytes. Throws NoSuchKey. */
  tag(key: string, tags: Record<string, string>) {
    const present = this.#objects.get(key);
    if (!present) throw noSuchKey(key);
    const record = { ...present, tags };
    writeRecord(this.#objectPath(key), record);
    this.#objects.set(key, record);
  }

  /** Removes the object if there is one, and answers the blobs that are free now. */
  delete(key: string, condition: WriteCondition): string[] {
    const present = this.#objects.get(key);
    requireWriteCondition(condition, key, present);
    if (!present) return [];
    removeRecord(this.#objectPath(key));
    this.#objects.delete(key);
    this.#sorted.splice(lowerBound(this.#sorted, toBytes(key)), 1);
    for (const guard of this.#guards.get(key) ?? []) guard.isConflicted = true;
    return present.parts.map(({ blob }) => blob);
  }

  upload(id: string, key: string): Upload {
    const upload = this.uploads.get(id);
    if (upload?.record.key !== key) throw noSuchUpload(id);
    return upload;
  }

  addUpload(record: UploadRecord) {
    if (this.#isGone) throw noSuchBucket(this.name);
    writeRecord(join(this.#uploadPath(record.id), 'upload.json'), record);
    this.uploads.set(record.id, { record, parts: new Map() });
  }

  /**
   * Adds or replaces a part and answers the blob that it replaced; throws NoSuchUpload when the upload ended meanwhile.
   */
  addPart(upload: Upload, part: PartRecord): string[] {
    if (this.uploads.get(upload.record.id) !== upload) throw noSuchUpload(upload.record.id);
    const replaced = upload.parts.get(part.number);
    writeRecord(join(this.#uploadPath(upload.record.id), `${part.number}.json`), part);
    upload.parts.set(part.number, part);
    return replaced ? [replaced.blob] : [];
  }

  /** Ends an upload and answers the blobs of its parts. */
  removeUpload(upload: Upload): string[] {
    const { id } = upload.record;
    this.uploads.delete(id);
    removeRecord(join(this.#uploadPath(id), 'upload.json'));
    rmSync(this.#uploadPath(id), { recursive: true, force: true });
    return [...upload.parts.values()].map(({ blob }) => blob);
  }

  /** Lets writes that are still under way fail with NoSuchBucket: the folder is no longer there. */
  close() {
    this.#isGone = true;
    this.uploads.clear();
  }

  #index(record: ObjectRecord) {
    const bytes = toBytes(record.key);
    if (!this.#objects.has(record.key)) this.#sorted.splice(lowerBound(this.#sorted, bytes), 0, bytes);
    this.#objects.set(record.key, record);
  }

  /** Reads what an earlier process left, and removes what it left unfinished. */
  async load() {
    const named = new Set<string>();
    const paths = await recordPaths(join(this.folder, 'objects'));
    for (let i = 0; i < paths.length; i += LOAD_AT_ONCE) {
      const batch = paths.slice(i, i + LOAD_AT_ONCE).map((path) => readRecord<ObjectRecord>(path));
      for (const record of await Promise.all(batch)) {
        this.#objects.set(record.key, record);
        for (const { blob } of record.parts) named.add(blob);
      }
    }
    this.#sorted = [...this.#objects.keys()].map(toBytes).sort((a, b) => (a < b ? -1 : 1));
    for (const id of await readdir(join(this.folder, 'uploads'))) {
      const upload = await this.#loadUpload(id);
      const blobs = [...(upload?.parts.values() ?? [])].map(({ blob }) => blob);
      // Killed between the object's record and the end of its upload: the object has the parts, the upload is over.
      if (!upload || blobs.some((blob) => named.has(blob))) {
        await rm(this.#uploadPath(id), { recursive: true, force: true });
      } else {
        this.uploads.set(id, upload);
        for (const blob of blobs) named.add(blob);
      }
    }
    await this.blobs.removeAllBut(named);
  }

  async #loadUpload(id: string): Promise<Upload | undefined> {
    const paths = await recordPaths(this.#uploadPath(id));
    const own = join(this.#uploadPath(id), 'upload.json');
    if (!paths.includes(own)) return undefined;
    const parts = await Promise.all(paths.filter((path) => path !== own).map((path) => readRecord<PartRecord>(path)));
    return { record: await readRecord<UploadRecord>(own), parts: new Map(parts.map((part) => [part.number, part])) };
  }

  #objectPath(key: string): string {
    return join(this.folder, 'objects', `${createHash('sha256').update(key).digest('hex')}.json`);
  }

  #uploadPath(id: string): string {
    return join(this.folder, 'uploads', id);
  }
}

/** The records in a folder; half-written ones are removed. */
async function recordPaths(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  for (const name of names.filter((name) => name.endsWith('.tmp'))) await rm(join(folder, name));
  return names.filter((name) => name.endsWith('.json')).map((name) => join(folder, name));
}
