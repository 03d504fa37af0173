/** A job as the lines of an archive. */
import { type ArchiveEntry, archiveEntry, type CheckpointEntry, type JobEntry } from '../../../api/archive.ts';
import { firstPlace, follow } from '../../../archive/order.ts';
import { intact, isDamaged, type Job, type JobRecord, type Payload } from '../../jobs/job.ts';

/**
 * The lines of a job. Unreadable references have nothing that could be restored; a record that no archive may hold is
 * as damaged as one that cannot be read.
 */
export function jobEntries(record: JobRecord): ArchiveEntry[] {
  if (isDamaged(record)) return [damagedJob(record.jobId, record.damage)];
  const entries = [jobEntry(record), ...references(record, 'checkpoint'), ...references(record, 'savepoint')];
  const wrong = unfitIn(entries);
  return wrong === undefined ? entries : [damagedJob(record.jobId, `its record ${wrong}`)];
}

const longestReason = 512;

const damagedJob = (jobId: string, reason: string): ArchiveEntry => ({
  type: 'damaged-job',
  jobId,
  reason: reason.slice(0, longestReason),
});

/** Why a verification would refuse an archive with these lines. */
function unfitIn(entries: readonly ArchiveEntry[]): string | undefined {
  let place = firstPlace;
  for (const entry of entries) {
    const read = archiveEntry.safeParse(entry);
    if (!read.success) {
      const [issue] = read.error.issues;
      return `is out of bounds at ${entry.type} ${issue?.path.join('.')}: ${issue?.message}`;
    }
    const next = follow(place, entry);
    if (next.kind === 'misplaced') return next.why;
    place = next.place;
  }
  return undefined;
}

function jobEntry(record: Job): JobEntry {
  const { jobId, state, fence, retain, nextCheckpointId, submittedAt, requestId, requestBefore, metadata } = record;
  const { newestCheckpointId, cleanUp } = record;
  return defined({
    type: 'job',
    jobId,
    state,
    fence,
    graph: record.graph && plain(record.graph),
    metadata: metadata as JobEntry['metadata'],
    retain,
    commits: record.commits.map((commit) => commit && { ...commit }),
    nextCheckpointId,
    newestCheckpointId,
    cleanUp,
    submittedAt,
    requestId,
    requestBefore,
    result: record.result && defined({ ...record.result }),
  });
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
      metadata: ref.metadata as CheckpointEntry['metadata'],
    }),
  );
}

const plain = ({ payloadId, bytes, sha256, composite, committedAt }: Payload) =>
  defined({ payloadId, bytes, sha256, composite, committedAt });

/** Without the members that are undefined. */
export function defined<Members extends object>(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Members;
}
