/** Applies one file of a verified backup to the group. */
import { Buffer } from 'node:buffer';
import { inParallel } from '../platform/in-parallel.ts';
import type { EntriesFile, Manifest } from './archive-format.ts';
import { entryBatches } from './archive-lines.ts';
import { Damaged, parseEntry } from './archive-verifier.ts';
import { bucketFiles } from './bucket-files.ts';
import type { GroupLogs } from './group-logs.ts';
import { OutOfTime } from './local.ts';
import { type ArchivedJob, type JobRestoring, restoreJob } from './restore-jobs.ts';
import { completeLog, holdLog, learnEntries, type Restored } from './restore-logs.ts';
import type { RestoreRecord } from './restore-store.ts';

export interface Applying extends JobRestoring {
  readonly logs: GroupLogs;
}

/** Entries of a log that are learned together. */
const entriesAtOnce = 1_000;

/** Answers the record with the file behind it. Throws `OutOfTime` when the time is over before its end: it begins anew then. */
export async function applyFile(
  parts: Applying,
  record: RestoreRecord,
  manifest: Manifest,
  file: EntriesFile,
  until: number,
): Promise<RestoreRecord> {
  const { group, restoreId, source } = record;
  const goOn = () => parts.clock.now() < until;
  const payloads = new Map(manifest.payloads.map((payload) => [payload.name, payload]));
  let { openLog } = record;
  const logs = [...record.logs];
  let entries: Restored[] = [];

  const flush = async () => {
    if (openLog && entries.length > 0)
      openLog = await learnEntries(parts.logs.open(group, openLog.log), openLog, entries);
    entries = [];
    if (!goOn()) throw new OutOfTime();
  };
  const closeLog = async () => {
    await flush();
    if (openLog) await completeLog(parts.logs.open(group, openLog.log), openLog);
    openLog = undefined;
  };

  const files = bucketFiles(parts.bucket, { bucket: source.bucket, key: source.prefix });
  let jobs: ArchivedJob[] = [];
  let count = 0;
  const flushJobs = async () => {
    await inParallel(jobs, 16, (job) => restoreJob(parts, group, source, payloads, job, goOn));
    jobs = [];
  };
  for await (const lines of entryBatches(files, file, Damaged)) {
    for (const line of lines) {
      const entry = parseEntry(file.name, line, count);
      count += 1;
      if (entry.type === 'job') {
        if (jobs.length === 64) await flushJobs();
        jobs.push({ job: entry, checkpoints: [] });
      } else if (entry.type === 'checkpoint') {
        const last = jobs.pop();
        if (last) jobs.push({ job: last.job, checkpoints: [...last.checkpoints, entry] });
      } else if (entry.type === 'log') {
        await closeLog();
        await parts.logs.create(group, entry.log);
        openLog = await holdLog(parts.logs.open(group, entry.log), restoreId, entry);
        if (!logs.includes(entry.log)) logs.push(entry.log);
      } else if (entry.type === 'log-entry') {
        entries.push({ position: entry.position, data: Buffer.from(entry.data, 'base64') });
        if (entries.length === entriesAtOnce) await flush();
      }
    }
  }
  await flushJobs();
  await flush();
  return { ...record, openLog, logs, file: record.file + 1, restoredEntries: record.restoredEntries + file.entries };
}
