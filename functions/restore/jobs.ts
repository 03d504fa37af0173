/** Bringing a job out of a backup: its payloads first, then its record with the references to them. */

import type { CheckpointEntry, JobEntry, PayloadFile } from '../../api/archive.ts';
import { payloadName, payloadsOf } from '../../archive/format.ts';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import type { Clock } from '../../store/clock.ts';
import type { ArchiveBucket, Place } from '../backups/bucket/archive-bucket.ts';
import { base64, isComposite, largestWholeCopy } from '../backups/bucket/payload-copy.ts';
import { OutOfTimeError } from '../backups/worker/built-in-worker.ts';
import { goneAt } from '../jobs/checkpoints.ts';
import type { Checkpoint, Job, Payload } from '../jobs/job.ts';
import { payloadKey } from '../jobs/payloads/upload.ts';
import type { RestoreSource, RestoreStore } from './restore-store.ts';

export interface JobRestoring {
  readonly restores: RestoreStore;
  readonly bucket: ArchiveBucket;
  /** Where the group's payloads live. */
  readonly bucketName: string;
  readonly clock: Clock;
  readonly resultRetentionDays: number;
}

export interface ArchivedJob {
  readonly job: JobEntry;
  readonly checkpoints: readonly CheckpointEntry[];
}

/**
 * Copies the job's payloads into the group and puts its record, unless it exists. Throws `OutOfTimeError` between two
 * payloads.
 */
export async function restoreJob(
  parts: JobRestoring,
  group: string,
  source: RestoreSource,
  files: ReadonlyMap<string, PayloadFile>,
  { job, checkpoints }: ArchivedJob,
  goOn: () => boolean,
): Promise<void> {
  const composites = new Map<string, string | undefined>();
  await mapConcurrent(payloadsOf([job, ...checkpoints]), 8, async ({ jobId, payloadId }) => {
    const file = files.get(payloadName(jobId, payloadId));
    // Missing or damaged when the backup was taken: the job comes back as damaged as it was.
    if (!file) return;
    if (!goOn()) throw new OutOfTimeError();
    const to = { bucket: parts.bucketName, key: payloadKey(group, jobId, payloadId) };
    composites.set(payloadId, await copyBack(parts, source, file, to, goOn));
  });
  const restored = toJob(group, job, checkpoints, composites);
  const gone = restored.state === 'CLEANED' && restored.savepoints.length === 0;
  await parts.restores.putJob(restored, gone ? goneAt(restored, parts) : undefined);
}

/** A payload that nothing refers to is collected a day after it was written: an older copy is made again. */
const copyLastsMs = 12 * 3_600_000;

async function copyBack(
  { bucket, clock }: JobRestoring,
  { bucket: name, prefix }: RestoreSource,
  { name: file, bytes, sha256 }: PayloadFile,
  to: Place,
  goOn: () => boolean,
): Promise<string | undefined> {
  const there = await bucket.head(to);
  const whole = base64(sha256);
  const intact = there?.bytes === bytes && (there.checksum === whole || isComposite(there.checksum));
  const isThere = intact && clock.now() - (there.modifiedAt ?? 0) < copyLastsMs;
  const limits = { wholeUpTo: largestWholeCopy, goOn };
  const outcome = isThere
    ? { copied: there }
    : await bucket.copy({ bucket: name, key: `${prefix}${file}` }, to, bytes, limits);
  if ('resume' in outcome) throw new OutOfTimeError();
  const { checksum } = outcome.copied;
  if (isComposite(checksum)) return checksum;
  if (checksum === whole) return undefined;
  throw new Error(`The copy of ${prefix}${file} has the checksum ${checksum ?? '(none)'} instead of ${whole}`);
}

/** The record as it was at the cut, in another group. S3 may keep another kind of checksum of the copies. */
function toJob(
  group: string,
  { type: _type, graph, ...job }: JobEntry,
  entries: readonly CheckpointEntry[],
  composites: ReadonlyMap<string, string | undefined>,
): Job {
  const kept = <Ref extends Payload>(ref: Ref): Ref => {
    if (!composites.has(ref.payloadId)) return ref;
    return { ...ref, composite: composites.get(ref.payloadId) };
  };
  const refs = (kind: CheckpointEntry['kind']) =>
    entries
      .filter((entry) => entry.kind === kind)
      .map(({ type: _entry, kind: _kind, jobId: _job, ...ref }): Checkpoint => kept(ref));
  return {
    ...job,
    group,
    graph: graph && kept(graph),
    checkpoints: refs('checkpoint').sort((one, other) => other.checkpointId - one.checkpointId),
    savepoints: refs('savepoint').sort((one, other) => one.checkpointId - other.checkpointId),
  };
}
