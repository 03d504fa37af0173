/** The archives of backups in the bucket. Binds the workflow's port. */

import { manifestName } from '../../../api/archive.ts';
import { ProblemError, unavailable } from '../../../api/problem.ts';
import { jsonText } from '../../../api/schema.ts';
import type { ReferredPayload } from '../../../archive/format.ts';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import type { ArchiveTarget, Copied } from '../../../archive/ports.ts';
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
import { attemptPlace, attemptUri, backupPlace } from '../bucket/archive-place.ts';
import { bucketFiles, cheapCheck } from '../bucket/bucket-files.ts';
import { copyIntoBackup, largestWholeCopy } from '../bucket/payload-copy.ts';
import type { Archives, AttemptName, FilePage, Verification } from '../ports.ts';
import { OutOfTimeError, workSlice } from '../worker/built-in-worker.ts';
import { type PageParts, pageOf } from './contents.ts';

export interface ArchiveParts extends PageParts {
  readonly bucket: ArchiveBucket;
  readonly bucketName: string;
  readonly payloads: PayloadStore;
  readonly clock: Clock;
  /** Of Tenure, for the manifest. */
  readonly version: string;
  readonly owners: BackupOwners;
  /** Names a process of the built-in worker: 0-9 and a-z. */
  readonly newSuffix: () => string;
}

/** Most bytes that a request of the API copies, so that it ends within its 29 s. */
const largestInRequest = 256 * 1024 ** 2;

export function archives(parts: ArchiveParts): Archives {
  const { bucket, bucketName, payloads, clock, version, owners } = parts;
  const at = (key: string): Place => ({ bucket: bucketName, key });
  const sourceOf = (group: string, { jobId, payloadId }: ReferredPayload) => payloadKey(group, jobId, payloadId);

  const copy = (name: AttemptName, payload: ReferredPayload, wholeUpTo: number, goOn: () => boolean) =>
    copyIntoBackup(bucket, at(sourceOf(name.group, payload)), at(attemptPlace(name)), payload, { wholeUpTo, goOn });

  const target = (name: AttemptName, goOn: () => boolean): ArchiveTarget => ({
    async put(file, bytes, sha256) {
      const place = at(`${attemptPlace(name)}${file}`);
      if (file !== manifestName) return bucket.put(place, bytes, sha256);
      // Sealed at another time it would have another digest than the one that was reported.
      if (!(await bucket.putNew(place, bytes))) throw new OutOfTimeError();
    },
    async copy(payload) {
      if (!goOn()) throw new OutOfTimeError();
      const copied = await copy(name, payload, largestWholeCopy, goOn);
      if ('resume' in copied) throw new OutOfTimeError();
      return copied;
    },
  });

  return {
    uri: (name) => attemptUri(bucketName, name),

    page: (record, cursor) => pageOf(parts, record, cursor),

    sign: (name, files) =>
      mapConcurrent(files, 16, async (file) => ({
        name: file.name,
        ...(await payloads.signPut(`${attemptPlace(name)}${file.name}`, file, clock.now())),
      })),

    async copyPayloads(name, wanted, _resume, budgetMs) {
      const until = clock.now() + budgetMs;
      const goOn = () => clock.now() < until;
      const copied: Copied[] = [];
      for (let from = 0; from < wanted.length && goOn(); from += 16) {
        const batch = wanted.slice(from, from + 16);
        const outcomes = await mapConcurrent(batch, 16, (payload) => copy(name, payload, largestInRequest, goOn));
        for (const outcome of outcomes) {
          if ('resume' in outcome) return { copied, resume: outcome.resume };
          copied.push(outcome);
        }
      }
      return copied.length < wanted.length ? { copied, resume: 'more' } : { copied };
    },

    signPayloads: (group, wanted) =>
      mapConcurrent(wanted, 16, (payload) => payloads.signGet(sourceOf(group, payload), clock.now())),

    async work(record, slice) {
      const { group, backupId, attempt, cut = {} } = record;
      const name = { group, backupId, attempt };
      const prefix = at(attemptPlace(name));
      const work = {
        bucket,
        prefix,
        identity: { ...name, cut, version },
        page: (cursor: string | undefined) => pageOf(parts, record, cursor),
        target: (goOn: () => boolean) => target(name, goOn),
        now: () => clock.now(),
        suffix: parts.newSuffix(),
      };
      const written = (await sealedBefore(bucket, prefix)) ?? (await workSlice(work, slice));
      return written ? { finished: { uri: attemptUri(bucketName, name), ...written } } : { more: true };
    },

    verify: (record, cursor, budgetMs) => verifySlice(parts, record, cursor, clock.now() + budgetMs),

    files: (record, from, limit) => listFiles(parts, record, from, limit),

    async discard(group, backupId, attempt, goOn = () => true) {
      if (!goOn()) throw new OutOfTimeError();
      const all = backupPlace(group, backupId);
      const prefixes = attempt === undefined ? await bucket.folders(at(all)) : [`${all}${attempt}/`];
      // Without its manifest it is no backup any more, whatever is left of it.
      await discarded(
        payloads,
        prefixes.map((prefix) => `${prefix}${manifestName}`),
      );
      for (const prefix of prefixes) await discardAll(payloads, prefix, goOn);
      if (attempt === undefined) await owners.forget(backupId, clock.now());
    },
  };
}

/** Every page reads the manifest, which says what there is. */
async function listFiles(
  { bucket, bucketName, clock, payloads }: ArchiveParts,
  { group, backupId, attempt }: BackupRecord,
  from: number,
  limit: number,
): Promise<FilePage> {
  const place = { bucket: bucketName, key: attemptPlace({ group, backupId, attempt }) };
  const { manifest, sha256 } = await openManifest(bucketFiles(bucket, place));
  const head = await bucket.head({ ...place, key: `${place.key}${manifestName}` });
  const all = [{ name: manifestName, bytes: head?.bytes ?? 0, sha256 }, ...manifest.files, ...manifest.payloads];
  const wanted = all.slice(from, from + limit);
  const items = await mapConcurrent(wanted, 16, async (file) => ({
    name: file.name,
    bytes: file.bytes,
    sha256: file.sha256,
    url: await payloads.signGet(`${place.key}${file.name}`, clock.now()),
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
async function discarded(payloads: PayloadStore, keys: readonly string[]): Promise<void> {
  const [left] = await payloads.discard(keys);
  if (left !== undefined)
    throw new ProblemError(unavailable, `S3 did not delete ${left}; nothing after it was deleted.`);
}

async function discardAll(payloads: PayloadStore, prefix: string, goOn: () => boolean): Promise<void> {
  let after: string | undefined;
  for (let more = true; more; ) {
    if (!goOn()) throw new OutOfTimeError();
    const page = await payloads.list(prefix, after);
    await discarded(
      payloads,
      page.items.map(({ key }) => key),
    );
    after = page.items.at(-1)?.key;
    more = page.more;
  }
}

async function verifySlice(
  { bucket, bucketName, clock, owners }: ArchiveParts,
  record: BackupRecord,
  cursor: string | undefined,
  until: number,
): Promise<Verification> {
  const { group, backupId, attempt, uri, entryCount, bytes } = record;
  // Only the worker can read its own disk: its client library has verified the archive before it reported it finished.
  if (uri?.startsWith('file:')) return { intact: true, entryCount, bytes };
  const prefix = { bucket: bucketName, key: attemptPlace({ group, backupId, attempt }) };
  const files = bucketFiles(bucket, prefix);
  try {
    const { manifest, sha256 } = await openManifest(files);
    const named = manifest.group === group && manifest.backupId === backupId && manifest.attempt === attempt;
    if (!named || sha256 !== record.manifestSha256 || !sameCut(manifest.cut, record.cut)) {
      return { damaged: `${prefix.key}${manifestName} is not the one that was reported` };
    }
    let state: VerifierState = cursor === undefined ? verificationStart : (jsonText.parse(cursor) as VerifierState);
    for (let done = false; !done; ) {
      if (clock.now() >= until) return { more: JSON.stringify(state) };
      ({ state, done } = await verifyNext(files, manifest, state, cheapCheck(bucket, prefix)));
    }
    const invented = differenceFromServed(record, state);
    if (invented !== undefined) return { damaged: `${prefix.key}: ${invented}` };
    await owners.remember(backupId, group);
    return { intact: true, entryCount: manifest.counts.entries, bytes: manifest.counts.bytes };
  } catch (error) {
    if (error instanceof DamagedError) return { damaged: error.message };
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
