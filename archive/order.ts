/**
 * Which entry may follow which, so that what is verified can be restored: the term first, then jobs and then logs, each
 * once and in order of their names; a checkpoint behind its job and known to its commits; an entry behind its log,
 * within its bounds.
 */
import type { ArchiveEntry, CheckpointEntry, JobEntry } from '../api/archive.ts';

/** State left open by the entries so far. JSON, so that a verification can continue in another process. */
export interface Place {
  readonly phase: 'start' | 'jobs' | 'logs';
  /** The last job or log: the next one has a higher name. */
  readonly last: string;
  /** Its checkpoints may follow. */
  readonly job?: OpenJob | undefined;
  /** Its entries may follow. */
  readonly log?: OpenLog | undefined;
}

interface OpenJob {
  readonly jobId: string;
  readonly next: number;
  /** Of the checkpoints that it may keep: `payload id`, by checkpoint id. */
  readonly kept: Readonly<Record<string, string>>;
  readonly payloads: readonly string[];
  /** Ids so far. */
  readonly checkpoint: readonly number[];
  readonly savepoint: readonly number[];
}

interface OpenLog {
  readonly log: string;
  readonly position: number;
  readonly end: number;
  /** Positions so far that hold no entry. */
  readonly gaps: number;
}

export const firstPlace: Place = { phase: 'start', last: '' };

const mostSavepoints = 32;
/** Each position without an entry is restored as one: a log of nothing else ends somewhere. */
export const mostGaps = 100_000;

export type Followed =
  | { readonly kind: 'place'; readonly place: Place }
  | { readonly kind: 'misplaced'; readonly why: string };

const at = (place: Place): Followed => ({ kind: 'place', place });
const misplaced = (why: string): Followed => ({ kind: 'misplaced', why });

/** Where the archive stands after this entry, or why it may not be there. */
export function follow(place: Place, entry: ArchiveEntry): Followed {
  switch (entry.type) {
    case 'leadership':
      return place.phase === 'start' && place.last === ''
        ? at({ phase: 'jobs', last: '' })
        : misplaced('is a term behind other entries');
    case 'job':
    case 'damaged-job':
      return followJob(place, entry);
    case 'checkpoint':
      return followCheckpoint(place, entry);
    case 'log':
      return followLog(place, entry);
    case 'log-entry':
      return followLogEntry(place, entry);
    case 'application':
      return closeLog(place, (closed) => closed);
  }
}

/** After the last entry. */
export const finish = (place: Place): Followed => closeLog(place, (closed) => closed);

/** Ends what is open: nothing of it may follow any more. */
function closeLog(place: Place, next: (closed: Place) => Place): Followed {
  const { log, phase, last } = place;
  const gaps = log === undefined ? 0 : log.gaps + log.end - log.position;
  if (log && gaps > mostGaps) return tooManyGaps(log.log, gaps);
  return at(next({ phase, last }));
}

const tooManyGaps = (log: string, gaps: number) =>
  misplaced(`leaves ${gaps} positions of log "${log}" without an entry, at most ${mostGaps} can be restored`);

function followJob(place: Place, entry: Extract<ArchiveEntry, { type: 'job' | 'damaged-job' }>): Followed {
  const { jobId } = entry;
  if (place.phase === 'logs') return misplaced(`is job "${jobId}" behind a log`);
  if (jobId <= place.last) return misplaced(`is job "${jobId}" behind job "${place.last}": each comes once, in order`);
  if (entry.type === 'damaged-job') return at({ phase: 'jobs', last: jobId });
  const wrong = contradictionIn(entry);
  return wrong === undefined ? at({ phase: 'jobs', last: jobId, job: opened(entry) }) : misplaced(wrong);
}

/** Faults that no job can have. */
function contradictionIn({ jobId, state, result, commits, nextCheckpointId: next }: JobEntry): string | undefined {
  if ((state === 'ACTIVE') !== (result === undefined)) {
    return `is job "${jobId}", which is ${state} ${result === undefined ? 'without' : 'with'} a result`;
  }
  const above = commits.find((commit) => commit !== null && commit.checkpointId >= next);
  return above ? `is job "${jobId}" with commit ${above.checkpointId}, whose next id is ${next}` : undefined;
}

function opened({ jobId, nextCheckpointId, commits, retain, graph }: JobEntry): OpenJob {
  const kept = commits.slice(0, retain).flatMap((commit) => (commit ? [[commit.checkpointId, commit.payloadId]] : []));
  return {
    jobId,
    next: nextCheckpointId,
    kept: Object.fromEntries(kept),
    payloads: graph ? [graph.payloadId] : [],
    checkpoint: [],
    savepoint: [],
  };
}

function followCheckpoint(place: Place, entry: CheckpointEntry): Followed {
  const { jobId, kind, checkpointId, payloadId } = entry;
  const { job } = place;
  if (job?.jobId !== jobId) return misplaced(`is a checkpoint of "${jobId}" without its job before it`);
  const what = `is ${kind} ${checkpointId} of "${jobId}"`;
  if (checkpointId >= job.next) return misplaced(`${what}, whose next id is ${job.next}`);
  if (job[kind].includes(checkpointId)) return misplaced(`${what}, twice`);
  if (job.payloads.includes(payloadId)) return misplaced(`${what} with the payload of another`);
  if (kind === 'checkpoint' && job.kept[checkpointId] !== payloadId) {
    return misplaced(`${what}, which is none of the commits that the job retains`);
  }
  const ids = [...job[kind], checkpointId];
  if (kind === 'savepoint' && ids.length > mostSavepoints) {
    return misplaced(`${what}, which has ${mostSavepoints} savepoints already`);
  }
  const next = { ...job, [kind]: ids, payloads: [...job.payloads, payloadId] };
  return at({ ...place, job: next });
}

function followLog(place: Place, entry: Extract<ArchiveEntry, { type: 'log' }>): Followed {
  const { log, begin, end } = entry;
  if (place.phase === 'logs' && log <= place.last) {
    return misplaced(`is log "${log}" behind log "${place.last}": each comes once, in order`);
  }
  if (begin > end) return misplaced(`is log "${log}" from ${begin} to ${end}`);
  return closeLog(place, () => ({ phase: 'logs', last: log, log: { log, position: begin - 1, end, gaps: 0 } }));
}

function followLogEntry(place: Place, entry: Extract<ArchiveEntry, { type: 'log-entry' }>): Followed {
  const { log } = place;
  const { position } = entry;
  if (log?.log !== entry.log) return misplaced(`is an entry of log "${entry.log}" without its log before it`);
  if (position <= log.position || position > log.end) {
    return misplaced(`has position ${position} after ${log.position}, in a log that ends at ${log.end}`);
  }
  const gaps = log.gaps + position - log.position - 1;
  if (gaps > mostGaps) return tooManyGaps(entry.log, gaps);
  return at({ ...place, log: { ...log, position, gaps } });
}
