/**
 * What the archive of a backup has to hold, page by page: the term, each job as at the instant of its page, then every log from
 * its first readable position to the cut. The built-in worker and the workers of the client library read the same pages.
 */
import * as z from 'zod/mini';
import type { ArchiveEntry, CheckpointEntry, JobEntry } from '../../../api/archive.ts';
import { Problem, unavailable } from '../../../api/problem.ts';
import { attemptSuperseded } from '../../../api/problems/backups.ts';
import { jsonText } from '../../../api/schema.ts';
import { payloadsOf } from '../../../archive/format.ts';
import type { ArchivePage } from '../../../archive/ports.ts';
import { payloadsPerFile } from '../../../archive/writer.ts';
import { intact, isDamaged, type Job, type JobRecord, type Payload } from '../../jobs/job.ts';
import type { JobStore } from '../../jobs/job-store.ts';
import { jobKey, jobPrefix } from '../../jobs/keys.ts';
import { type HeldDeletes, recordJobs } from '../../jobs/payloads/held-deletes.ts';
import type { LeaseStore } from '../../leadership/lease-store.ts';
import type { GroupLogs } from '../../log/group-logs.ts';
import type { LogParts } from '../../log/protocol/log.ts';
import { positions, read } from '../../log/protocol/reader.ts';
import { invalid } from '../../platform/headers.ts';
import type { BackupRecord } from '../backup.ts';

export interface PageParts {
  readonly leases: Pick<LeaseStore, 'read' | 'highestVersion'>;
  readonly jobs: JobStore;
  readonly held: HeldDeletes;
  readonly logs: GroupLogs;
}

/** A job may have 64 references of 400 bytes: fewer are taken when they refer to more payloads than a file of the archive should. */
const jobsPerPage = 100;
const entriesPerPage = 4_000;
/** Of data; in base64 it fits into one answer of Lambda. */
const bytesPerPage = 3 * 1024 ** 2;

const cursorOf = z.union([
  z.strictObject({ jobs: z.nullable(z.string().check(z.maxLength(256), z.startsWith(jobPrefix))) }),
  /** The log's place among those of the cut, in order of their names, and the next position. */
  z.strictObject({ log: z.int().check(z.minimum(0)), from: z.nullable(z.int().check(z.minimum(0))) }),
]);
type Cursor = z.output<typeof cursorOf>;

/** A page from the beginning, or from where the cursor of the page before points. Throws `unavailable` while a log has no quorum. */
export async function pageOf(parts: PageParts, record: BackupRecord, text: string | undefined): Promise<ArchivePage> {
  const cursor = text === undefined ? undefined : readCursor(text);
  if (cursor === undefined)
    return { entries: [await leadership(parts, record.group)], nextCursor: after({ jobs: null }) };
  if ('jobs' in cursor) return jobsPage(parts, record, cursor.jobs ?? undefined);
  return logPage(parts, record, cursor.log, cursor.from ?? undefined);
}

const after = (cursor: Cursor) => JSON.stringify(cursor);

function readCursor(text: string): Cursor {
  const read = z.pipe(jsonText, cursorOf).safeParse(text);
  if (!read.success) throw invalid(read.error);
  return read.data;
}

async function leadership({ leases }: PageParts, group: string): Promise<ArchiveEntry> {
  const [record, highest] = await Promise.all([leases.read(group, true), leases.highestVersion(group)]);
  const fencingVersion = record?.fencingVersion ?? 0;
  return defined({
    type: 'leadership',
    fencingVersion,
    highestVersion: Math.max(highest, fencingVersion),
    contenderId: record?.holder?.contenderId,
    confirmedAt: record?.holder?.confirmedAt,
  });
}

async function jobsPage(
  { jobs, held }: PageParts,
  { group, backupId }: BackupRecord,
  cursor: string | undefined,
): Promise<ArchivePage> {
  const page = await jobs.list(group, cursor, jobsPerPage);
  const taken = withFewPayloads(page.items);
  const jobIds = taken.map(({ jobId }) => jobId);
  const recorded = await recordJobs({ held }, group, jobIds, backupId);
  if (!recorded) {
    const detail = `Backup ${backupId} no longer holds group "${group}": it has ended; stop working on it.`;
    throw new Problem(attemptSuperseded, detail, { verdict: 'superseded' });
  }
  const left = page.items[taken.length - 1];
  const last = taken.length < page.items.length && left ? jobKey(group, left.jobId).sk : page.last;
  const next: Cursor = last === undefined ? { log: 0, from: null } : { jobs: last };
  return { entries: recorded.flatMap(jobEntries), nextCursor: after(next) };
}

function withFewPayloads(jobs: readonly JobRecord[]): readonly JobRecord[] {
  let payloads = 0;
  const enough = jobs.findIndex((job) => {
    payloads += payloadsOf(jobEntries(job)).length;
    return payloads >= payloadsPerFile;
  });
  return enough === -1 ? jobs : jobs.slice(0, enough + 1);
}

/** The lines of a job. References that another hand made unreadable have nothing that could be restored. */
export function jobEntries(record: JobRecord): ArchiveEntry[] {
  if (isDamaged(record)) return [{ type: 'damaged-job', jobId: record.jobId, reason: record.damage }];
  const { jobId, state, fence, retain, nextCheckpointId, submittedAt, requestId, requestBefore, metadata } = record;
  const job: JobEntry = defined({
    type: 'job',
    jobId,
    state,
    fence,
    graph: record.graph && plain(record.graph),
    metadata,
    retain,
    commits: record.commits.map((commit) => commit && { ...commit }),
    nextCheckpointId,
    submittedAt,
    requestId,
    requestBefore,
    result: record.result && defined({ ...record.result }),
  });
  return [job, ...references(record, 'checkpoint'), ...references(record, 'savepoint')];
}

function references({ jobId, checkpoints, savepoints }: Job, kind: CheckpointEntry['kind']): CheckpointEntry[] {
  const refs = kind === 'checkpoint' ? [...checkpoints].reverse() : savepoints;
  return intact(refs).map((ref) =>
    defined({
      type: 'checkpoint',
      jobId,
      kind,
      checkpointId: ref.checkpointId,
      ...plain(ref),
      metadata: ref.metadata,
    }),
  );
}

const plain = ({ payloadId, bytes, sha256, composite, committedAt }: Payload) =>
  defined({ payloadId, bytes, sha256, composite, committedAt });

function defined<Members extends object>(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Members;
}

async function logPage(
  { logs }: PageParts,
  { group, backupId, cut = {} }: BackupRecord,
  at: number,
  from: number | undefined,
): Promise<ArchivePage> {
  const log = Object.keys(cut).sort()[at];
  if (log === undefined) return { entries: [] };
  const parts = logs.open(group, log);
  const to = cut[log] ?? 0;
  const head = from === undefined ? await logHead(parts, log, to) : undefined;
  const begin = await logs.heldFrom(group, log, backupId);
  if (begin === undefined || (head && head.begin !== begin)) {
    throw new Error(`Log "${log}" of group "${group}" was truncated since the cut of backup ${backupId}`);
  }
  const next = after({ log: at + 1, from: null });
  const first = from ?? begin;
  if (first > to) return { entries: head ? [head] : [], nextCursor: next };
  const page = await read(parts, { from: first, to, limit: entriesPerPage, maxBytes: bytesPerPage });
  if (!('items' in page)) {
    throw new Problem(
      unavailable,
      `Log "${log}" of group "${group}" cannot be read from ${first} to ${to}: ${JSON.stringify(page)}.`,
      { retryAfterMs: 1_000 },
    );
  }
  const entries = page.items.map(
    ({ position, data }): ArchiveEntry => ({
      type: 'log-entry',
      log,
      position,
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    }),
  );
  const nextCursor = page.nextFrom === undefined ? next : after({ log: at, from: page.nextFrom });
  return { entries: head ? [head, ...entries] : entries, nextCursor };
}

async function logHead(parts: LogParts, log: string, end: number) {
  const [{ begin, replicas }, seat] = await Promise.all([positions(parts), parts.seat.read()]);
  const promised = Math.max(seat?.number ?? 0, ...replicas.map((replica) => replica.promised));
  return { type: 'log' as const, log, begin, end, promised };
}
