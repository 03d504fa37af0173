/** A job as the lines of an archive. */
import { type ArchiveEntry, archiveEntry, type CheckpointEntry, type JobEntry } from '../../../api/archive.ts';
import { intact, isDamaged, type Job, type JobRecord, type Payload } from '../../jobs/job.ts';

/**
 * The lines of a job. References that another hand made unreadable have nothing that could be restored; a record that no archive may hold is
 * as damaged as one that cannot be read.
 */
export function jobEntries(record: JobRecord): ArchiveEntry[] {
  const { jobId } = record;
  if (isDamaged(record)) return [{ type: 'damaged-job', jobId, reason: record.damage.slice(0, longestReason) }];
  const entries = [jobEntry(record), ...references(record, 'checkpoint'), ...references(record, 'savepoint')];
  for (const entry of entries) {
    const read = archiveEntry.safeParse(entry);
    if (read.success) continue;
    const [issue] = read.error.issues;
    const reason = `its ${entry.type} is out of bounds at ${issue?.path.join('.')}: ${issue?.message}`;
    return [{ type: 'damaged-job', jobId, reason: reason.slice(0, longestReason) }];
  }
  return entries;
}

const longestReason = 512;

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
