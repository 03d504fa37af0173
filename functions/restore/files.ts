/** Applies one file of a verified backup to the group. */
import { Buffer } from 'node:buffer';
import type { ArchiveEntry, EntriesFile, Manifest } from '../../api/archive.ts';
import { entryBatches } from '../../archive/lines.ts';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { Damaged, parseEntry } from '../../archive/verifier.ts';
import { bucketFiles } from '../backups/bucket/bucket-files.ts';
import type { GroupLogs } from '../log/group-logs.ts';
import { type ArchivedJob, type JobRestoring, restoreJob } from './jobs.ts';
import { completeLog, holdLog, learnEntries, type Restored } from './logs.ts';
import type { RestoreRecord } from './restore-store.ts';

export interface Applying extends JobRestoring {
  readonly logs: GroupLogs;
}

/** Notes how far a restore has come. Throws `OutOfTime` when this process is to stop there. */
export type Note = (record: RestoreRecord) => Promise<void>;

export interface Pace {
  readonly note: Note;
  /** Epoch ms. */
  readonly until: number;
}

/** What is put together before it is noted. */
const entriesAtOnce = 1_000;
const jobsAtOnce = 64;

/**
 * Goes on with a file behind the entries that are restored already; answers the record with the file behind it. Throws `OutOfTime`;
 * what was not noted then is put again by whoever comes next.
 */
export async function applyFile(
  parts: Applying,
  record: RestoreRecord,
  manifest: Manifest,
  file: EntriesFile,
  { note, until }: Pace,
): Promise<RestoreRecord> {
  const { group, restoreId, heldAs = restoreId, source, fileEntries } = record;
  const payloads = new Map(manifest.payloads.map((payload) => [payload.name, payload]));
  const goOn = () => parts.clock.now() < until;
  const logs = new Set(record.logs);
  let { openLog } = record;
  let entries: Restored[] = [];
  let jobs: ArchivedJob[] = [];

  const progress = (entriesDone: number): RestoreRecord => ({
    ...record,
    openLog,
    logs: [...logs],
    fileEntries: entriesDone,
    restoredEntries: record.restoredEntries - fileEntries + entriesDone,
  });
  const flush = async () => {
    await mapConcurrent(jobs, 16, (job) => restoreJob(parts, group, source, payloads, job, goOn));
    if (openLog && entries.length > 0) {
      openLog = await learnEntries(await parts.logs.open(group, openLog.log), openLog, entries);
    }
    jobs = [];
    entries = [];
  };
  const take = async (entry: ArchiveEntry) => {
    if (entry.type === 'job') jobs.push({ job: entry, checkpoints: [] });
    else if (entry.type === 'checkpoint') {
      const last = jobs.pop();
      if (last) jobs.push({ job: last.job, checkpoints: [...last.checkpoints, entry] });
    } else if (entry.type === 'log-entry') {
      entries.push({ position: entry.position, data: Buffer.from(entry.data, 'base64') });
    } else if (entry.type === 'log') {
      await flush();
      if (openLog) await completeLog(await parts.logs.open(group, openLog.log), openLog);
      await parts.logs.create(group, entry.log);
      openLog = await holdLog(await parts.logs.open(group, entry.log), heldAs, entry);
      logs.add(entry.log);
    }
  };

  let at = 0;
  for await (const lines of entryBatches(bucketFiles(parts.bucket, placeOf(source)), file, Damaged)) {
    for (const line of lines) {
      const number = at;
      at += 1;
      if (number < fileEntries) continue;
      const entry = parseEntry(file.name, line, number);
      // A job is put with the checkpoints that follow it.
      const full = entries.length === entriesAtOnce || (jobs.length === jobsAtOnce && entry.type !== 'checkpoint');
      if (full) {
        await flush();
        await note(progress(number));
      }
      await take(entry);
    }
  }
  await flush();
  return { ...progress(at), file: record.file + 1, fileEntries: 0 };
}

const placeOf = ({ bucket, prefix }: RestoreRecord['source']) => ({ bucket, key: prefix });
