/** The archives of backups in the bucket. Binds the workflow's port. */

import { manifestName } from '../../../api/archive.ts';
import { ProblemError, unavailable } from '../../../api/problem.ts';
import { jsonText } from '../../../api/schema.ts';
import type { ReferredPayload } from '../../../archive/format.ts';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import type { ArchivePage, ArchiveTarget, Copied } from '../../../archive/ports.ts';
import {
  DamagedError,
  openManifest,
  type VerifierState,
  verificationStart,
  verifyNext,
} from '../../../archive/verifier.ts';
import type { Written } from '../../../archive/writer.ts';
import type { Clock } from '../../../store/clock.ts';
import type { PayloadStore } from '../../jobs/payloads/payload-store.ts';
import { payloadKey } from '../../jobs/payloads/upload.ts';
import type { BackupRecord } from '../backup.ts';
import type { BackupOwners } from '../backup-owners.ts';
import type { ArchiveBucket, Place } from '../bucket/archive-bucket.ts';
import {
  attemptPlace,
  attemptUri,
  backupPlace,
  filesPlace,
  homeOf,
  type PlacedAttempt,
} from '../bucket/archive-place.ts';
import { bucketFiles, cheapCheck } from '../bucket/bucket-files.ts';
import { copyIntoBackup, largestWholeCopy } from '../bucket/payload-copy.ts';
import type { Archives, Discarded, FilePage, Slice, Verification, Worked } from '../ports.ts';
import { OutOfTimeError, workSlice } from '../worker/built-in-worker.ts';
import { type PageParts, pageOf } from './contents.ts';

/** Requests to the objects of one bucket, besides the archive's own. */
type Objects = Pick<PayloadStore, 'signPut' | 'signGet' | 'discard' | 'list'>;

export interface ArchiveParts extends PageParts {
  readonly bucket: ArchiveBucket;
  /** The deployment's own: payloads lie there, and the archives of backups without a target. */
  readonly bucketName: string;
  readonly objectsIn: (bucket: string) => Objects;
  readonly clock: Clock;
  /** Of Tenure, for the manifest. */
  readonly version: string;
  readonly owners: BackupOwners;
  /** Names a process of the built-in worker: 0-9 and a-z. */
  readonly newSuffix: () => string;
}

/** Most bytes that a request of the API copies, so that it ends within its 29 s. */
const largestInRequest = 256 * 1024 ** 2;

/** Binds the port to S3. */
export const archives = (parts: ArchiveParts): Archives => new BucketArchives(parts);

class BucketArchives implements Archives {
  readonly #parts: ArchiveParts;

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
  }

  uri(attempt: PlacedAttempt): string {
    return attemptUri(this.#parts.bucketName, attempt);
  }

  page(record: BackupRecord, cursor: string | undefined): Promise<ArchivePage> {
    return pageOf(this.#parts, record, cursor);
  }

  sign(attempt: PlacedAttempt, files: readonly { name: string; bytes: number; sha256: string }[]) {
    const { objectsIn, clock } = this.#parts;
    const { bucket, key } = this.#place(attempt);
    return mapConcurrent(files, 16, async (file) => ({
      name: file.name,
      ...(await objectsIn(bucket).signPut(`${key}${file.name}`, file, clock.now())),
    }));
  }

  async copyPayloads(
    attempt: PlacedAttempt,
    wanted: readonly ReferredPayload[],
    _resume: string | undefined,
    budgetMs: number,
  ) {
    const { clock } = this.#parts;
    const until = clock.now() + budgetMs;
    const goOn = () => clock.now() < until;
    const copied: Copied[] = [];
    for (let from = 0; from < wanted.length && goOn(); from += 16) {
      const batch = wanted.slice(from, from + 16);
      const outcomes = await mapConcurrent(batch, 16, (one) => this.#copy(attempt, one, largestInRequest, goOn));
      for (const outcome of outcomes) {
        if ('resume' in outcome) return { copied, resume: outcome.resume };
        copied.push(outcome);
      }
    }
    return copied.length < wanted.length ? { copied, resume: 'more' } : { copied };
  }

  signPayloads(group: string, wanted: readonly ReferredPayload[]): Promise<string[]> {
    const { objectsIn, bucketName, clock } = this.#parts;
    return mapConcurrent(wanted, 16, (one) => objectsIn(bucketName).signGet(sourceOf(group, one), clock.now()));
  }

  async work(record: BackupRecord, slice: Slice): Promise<Worked> {
    const { bucket, bucketName, clock, version, newSuffix } = this.#parts;
    const { group, backupId, attempt, cut = {} } = record;
    const work = {
      bucket,
      // The state between two slices stays here, wherever the files go.
      prefix: { bucket: bucketName, key: attemptPlace(record) },
      identity: { group, backupId, attempt, cut, version },
      page: (cursor: string | undefined) => this.page(record, cursor),
      target: (goOn: () => boolean) => this.#target(record, goOn),
      now: () => clock.now(),
      suffix: newSuffix(),
    };
    const written = (await sealedBefore(bucket, this.#place(record))) ?? (await workSlice(work, slice));
    if (!written) return { kind: 'more' };
    return { kind: 'finished', finished: { uri: this.uri(record), ...written } };
  }

  verify(record: BackupRecord, cursor: string | undefined, budgetMs: number): Promise<Verification> {
    const { clock } = this.#parts;
    return verifySlice(this.#parts, this.#place(record), record, { cursor, until: clock.now() + budgetMs });
  }

  files(record: BackupRecord, from: number, limit: number): Promise<FilePage> {
    return listFiles(this.#parts, this.#place(record), from, limit);
  }

  async discard(backup: Discarded, attempt?: number, goOn: () => boolean = () => true): Promise<void> {
    const { bucketName, owners, clock } = this.#parts;
    if (!goOn()) throw new OutOfTimeError();
    const homes = [homeOf(bucketName, backup.target), homeOf(bucketName, undefined)];
    // Of a backup with a target, what the cut fixed lies at home.
    for (const home of backup.target === undefined ? homes.slice(1) : homes) {
      await this.#discardIn(home, backup, attempt, goOn);
    }
    if (attempt === undefined) await owners.forget(backup.backupId, clock.now());
  }

  async #discardIn({ bucket, key }: Place, backup: Discarded, attempt: number | undefined, goOn: () => boolean) {
    const all = backupPlace(backup, key);
    const prefixes =
      attempt === undefined ? await this.#parts.bucket.folders({ bucket, key: all }) : [`${all}${attempt}/`];
    const objects = this.#parts.objectsIn(bucket);
    // Without its manifest it is no backup any more, whatever is left of it.
    await deleteOrThrow(
      objects,
      prefixes.map((prefix) => `${prefix}${manifestName}`),
    );
    for (const prefix of prefixes) await discardAll(objects, prefix, goOn);
  }

  #place(attempt: PlacedAttempt): Place {
    return filesPlace(this.#parts.bucketName, attempt);
  }

  #copy(attempt: PlacedAttempt, payload: ReferredPayload, wholeUpTo: number, goOn: () => boolean) {
    const { bucket, bucketName } = this.#parts;
    const from = { bucket: bucketName, key: sourceOf(attempt.group, payload) };
    return copyIntoBackup(bucket, from, this.#place(attempt), payload, { wholeUpTo, goOn });
  }

  #target(attempt: PlacedAttempt, goOn: () => boolean): ArchiveTarget {
    const { bucket } = this.#parts;
    const { bucket: name, key } = this.#place(attempt);
    return {
      async put(file, bytes, sha256) {
        const place = { bucket: name, key: `${key}${file}` };
        if (file !== manifestName) return bucket.put(place, bytes, sha256);
        // Sealed at another time it would have another digest than the one that was reported.
        if (!(await bucket.putNew(place, bytes))) throw new OutOfTimeError();
      },
      copy: async (payload) => {
        if (!goOn()) throw new OutOfTimeError();
        const copied = await this.#copy(attempt, payload, largestWholeCopy, goOn);
        if ('resume' in copied) throw new OutOfTimeError();
        return copied;
      },
    };
  }
}

const sourceOf = (group: string, { jobId, payloadId }: ReferredPayload) => payloadKey(group, jobId, payloadId);

/** Every page reads the manifest, which says what there is. */
async function listFiles(
  { bucket, clock, objectsIn }: ArchiveParts,
  place: Place,
  from: number,
  limit: number,
): Promise<FilePage> {
  const { manifest, sha256 } = await openManifest(bucketFiles(bucket, place));
  const head = await bucket.head({ ...place, key: `${place.key}${manifestName}` });
  const all = [{ name: manifestName, bytes: head?.bytes ?? 0, sha256 }, ...manifest.files, ...manifest.payloads];
  const wanted = all.slice(from, from + limit);
  const items = await mapConcurrent(wanted, 16, async (file) => ({
    name: file.name,
    bytes: file.bytes,
    sha256: file.sha256,
    url: await objectsIn(place.bucket).signGet(`${place.key}${file.name}`, clock.now()),
  }));
  return { items, more: from + limit < all.length };
}

/** The content of an archive whose manifest another call wrote. */
async function sealedBefore(bucket: ArchiveBucket, prefix: Place): Promise<Written | undefined> {
  if (!(await bucket.head({ ...prefix, key: `${prefix.key}${manifestName}` }))) return undefined;
  const { manifest, sha256 } = await openManifest(bucketFiles(bucket, prefix));
  return { entryCount: manifest.counts.entries, bytes: manifest.counts.bytes, manifestSha256: sha256 };
}

/** Nobody looks for the files of a backup once its record has gone. */
async function deleteOrThrow(objects: Objects, keys: readonly string[]): Promise<void> {
  const [left] = await objects.discard(keys);
  if (left !== undefined)
    throw new ProblemError(unavailable, `S3 did not delete ${left}; nothing after it was deleted.`);
}

async function discardAll(objects: Objects, prefix: string, goOn: () => boolean): Promise<void> {
  let after: string | undefined;
  for (let more = true; more; ) {
    if (!goOn()) throw new OutOfTimeError();
    const page = await objects.list(prefix, after);
    await deleteOrThrow(
      objects,
      page.items.map(({ key }) => key),
    );
    after = page.items.at(-1)?.key;
    more = page.more;
  }
}

async function verifySlice(
  { bucket, clock, owners }: ArchiveParts,
  prefix: Place,
  record: BackupRecord,
  { cursor, until }: { readonly cursor: string | undefined; readonly until: number },
): Promise<Verification> {
  const { group, backupId, attempt, uri, entryCount, bytes } = record;
  // Only the worker can read its own disk: its client library has verified the archive before it reported it finished.
  if (uri?.startsWith('file:')) return { kind: 'intact', entryCount, bytes };
  const files = bucketFiles(bucket, prefix);
  try {
    const { manifest, sha256 } = await openManifest(files);
    const named = manifest.group === group && manifest.backupId === backupId && manifest.attempt === attempt;
    if (!named || sha256 !== record.manifestSha256 || !sameCut(manifest.cut, record.cut)) {
      return { kind: 'damaged', why: `${prefix.key}${manifestName} is not the one that was reported` };
    }
    let state: VerifierState = cursor === undefined ? verificationStart : (jsonText.parse(cursor) as VerifierState);
    for (let done = false; !done; ) {
      if (clock.now() >= until) return { kind: 'more', cursor: JSON.stringify(state) };
      ({ state, done } = await verifyNext(files, manifest, state, cheapCheck(bucket, prefix)));
    }
    const invented = differenceFromServed(record, state);
    if (invented !== undefined) return { kind: 'damaged', why: `${prefix.key}: ${invented}` };
    await owners.remember(backupId, group);
    return { kind: 'intact', entryCount: manifest.counts.entries, bytes: manifest.counts.bytes };
  } catch (error) {
    if (error instanceof DamagedError) return { kind: 'damaged', why: error.message };
    throw error;
  }
}

/** A worker may add application entries and nothing else, and may leave nothing out. */
function differenceFromServed({ served }: BackupRecord, state: VerifierState): string | undefined {
  if (served === undefined) return 'its worker was not served everything that it must hold';
  return served === state.served ? undefined : 'its terms, jobs and logs are not those that its worker was served';
}

function sameCut(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>> = {}): boolean {
  const logs = Object.keys(one);
  return logs.length === Object.keys(other).length && logs.every((log) => one[log] === other[log]);
}
