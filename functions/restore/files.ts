/** Applies one file of a verified backup to the group. */
import type { ArchiveEntry, EntriesFile, Manifest } from '../../api/archive.ts';
import { entryBatches } from '../../archive/lines.ts';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { DamagedError, namedIn, parseEntry } from '../../archive/verifier.ts';
import type { GroupLogs } from '../../log/group-logs.ts';
import { completeLog, holdLog, learnEntries } from '../../log/protocol/seed.ts';
import { bucketFiles } from '../backups/bucket/bucket-files.ts';
import { type JobRestoring, restoreJob } from './jobs.ts';
import { isFull, nothingPending, type Pending, takeUp } from './pending.ts';
import type { RestoreRecord } from './restore-store.ts';

export interface Applying extends JobRestoring {
  readonly logs: GroupLogs;
}

/** Notes how far a restore has come. Throws `OutOfTimeError` when this process is to stop there. */
export type Note = (record: RestoreRecord) => Promise<void>;

export interface Pace {
  readonly note: Note;
  /** Epoch ms. */
  readonly until: number;
}

interface Applied {
  /** How far the restore has come with what is put. */
  readonly record: RestoreRecord;
  readonly pending: Pending;
}

/** Puts pending entries; a later step puts them again, which changes nothing. */
type Put = (applied: Applied) => Promise<Applied>;

/**
 * Continues a file after the entries that are already restored; returns the record with the file behind it. Throws
 * `OutOfTimeError`; entries that were not noted are restored again by the next step.
 */
export async function applyFile(
  parts: Applying,
  record: RestoreRecord,
  manifest: Manifest,
  file: EntriesFile,
  { note, until }: Pace,
): Promise<RestoreRecord> {
  const put: Put = (applied) => putPending(parts, manifest, applied, until);
  const files = bucketFiles(parts.bucket, { bucket: record.source.bucket, key: record.source.prefix });
  let applied: Applied = { record, pending: nothingPending };
  let at = 0;
  for await (const lines of entryBatches(files, file, DamagedError)) {
    for (const line of lines) {
      const number = at;
      at += 1;
      if (number < record.fileEntries) continue;
      const entry = parseEntry(file.name, line, number);
      if (isFull(applied.pending, entry)) {
        applied = withRestored(await put(applied), number);
        await note(applied.record);
      }
      applied = await apply(parts, applied, entry, put);
    }
  }
  const done = withRestored(await put(applied), at);
  return { ...done.record, file: record.file + 1, fileEntries: 0 };
}

/** The record once so many entries of the file are restored. */
function withRestored({ record, pending }: Applied, entries: number): Applied {
  const restoredEntries = record.restoredEntries + entries - record.fileEntries;
  return { record: { ...record, restoredEntries, fileEntries: entries }, pending };
}

async function apply(parts: Applying, applied: Applied, entry: ArchiveEntry, put: Put): Promise<Applied> {
  if (entry.type !== 'log') return { ...applied, pending: takeUp(applied.pending, entry) };
  const { record, pending } = await put(applied);
  const { group, restoreId, heldAs = restoreId, openLog, logs } = record;
  if (openLog) await completeLog(await parts.logs.open(group, openLog.log), openLog);
  await parts.logs.create(group, entry.log);
  const held = await holdLog(await parts.logs.open(group, entry.log), heldAs, entry);
  return { record: { ...record, openLog: held, logs: [...new Set([...logs, entry.log])] }, pending };
}

async function putPending(
  parts: Applying,
  manifest: Manifest,
  { record, pending }: Applied,
  until: number,
): Promise<Applied> {
  const { group, source, openLog } = record;
  const { payloads } = namedIn(manifest);
  const goOn = () => parts.clock.now() < until;
  await mapConcurrent(pending.jobs, 16, (job) => restoreJob(parts, group, source, payloads, job, goOn));
  if (!openLog || pending.entries.length === 0) return { record, pending: nothingPending };
  const learned = await learnEntries(await parts.logs.open(group, openLog.log), openLog, pending.entries);
  return { record: { ...record, openLog: learned }, pending: nothingPending };
}
