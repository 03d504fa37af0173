import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Bucket } from './bucket.ts';
import { noSuchBucket, S3Error } from './errors.ts';
import { readRecord, writeRecord } from './records.ts';

interface BucketRecord {
  createdAt: number;
}

/** Folders that a bucket is made in, or that a removed one was moved to: rubbish once the process is gone. */
const UNFINISHED = /^\.(new|gone)-[0-9a-f-]{36}$/;

/** All buckets, each a folder below one. Only one process may have it open. */
export class Store {
  #folder: string;
  #buckets = new Map<string, Bucket>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<Store> {
    const store = new Store(folder);
    await mkdir(folder, { recursive: true });
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const { name } = entry;
      if (!entry.isDirectory()) continue;
      if (UNFINISHED.test(name)) await rm(join(folder, name), { recursive: true });
      else if (isBucketName(name)) await store.#load(name);
    }
    return store;
  }

  /** In order of their names. */
  get buckets(): Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Throws NoSuchBucket. */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw noSuchBucket(name);
    return bucket;
  }

  /** Creating a bucket that is there already changes nothing, as in us-east-1. */
  createBucket(name: string, now: number) {
    if (!isBucketName(name)) {
      throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.', { BucketName: name });
    }
    if (this.#buckets.has(name)) return;
    const fresh = join(this.#folder, `.new-${randomUUID()}`);
    for (const part of Bucket.folders) mkdirSync(join(fresh, part), { recursive: true });
    writeRecord(join(fresh, 'bucket.json'), { createdAt: now } satisfies BucketRecord);
    renameSync(fresh, join(this.#folder, name));
    this.#buckets.set(name, new Bucket(name, now, join(this.#folder, name)));
  }

  /** Throws NoSuchBucket, or BucketNotEmpty; uploads in progress are no hindrance and go with it. */
  async deleteBucket(name: string) {
    const bucket = this.bucket(name);
    if (!bucket.isEmpty) {
      throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty', { BucketName: name });
    }
    const gone = join(this.#folder, `.gone-${randomUUID()}`);
    renameSync(join(this.#folder, name), gone);
    this.#buckets.delete(name);
    bucket.close();
    await rm(gone, { recursive: true });
  }

  async #load(name: string) {
    const folder = join(this.#folder, name);
    const { createdAt } = await readRecord<BucketRecord>(join(folder, 'bucket.json'));
    const bucket = new Bucket(name, createdAt, folder);
    await bucket.load();
    this.#buckets.set(name, bucket);
  }
}

const isBucketName = (name: string) =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..') && !/^\d+\.\d+\.\d+\.\d+$/.test(name);
