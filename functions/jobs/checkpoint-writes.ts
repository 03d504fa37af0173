/** The conditional writes to a job's checkpoints, as values. Design: docs/design/jobs.md, "Rules". */
import { absent, allOf, type Condition, compare, equals, exists, size, value } from '../../store/condition.ts';
import {
  append,
  attributeOf,
  ifAbsent,
  plus,
  remove,
  type Source,
  set,
  setAll,
  type Update,
} from '../../store/update.ts';
import { update, type Write } from '../../store/write.ts';
import { rememberAsked } from './asked.ts';
import type { NewCheckpoint, Way } from './checkpoint.ts';
import { type Job, type JobName, maxSavepoints, newestOf } from './job.ts';
import { checkpointSlots, commitSlots, idBytes, noSlots, owesCleanUp, storedRef, storedRegisters } from './job-item.ts';
import { nothingCommittedSince } from './job-writes.ts';
import { jobKey } from './keys.ts';
import { notStateLocked } from './state-locks.ts';

const isActive = equals('state', 'ACTIVE');
const nextId = 'nextCheckpointId[0]';
const nextRevision = set('revision', plus(attributeOf('revision'), 1));

const slots = (count: number) => Array.from({ length: count }, (_, at) => at);

/** A write by the term, unless a newer one has touched the job, or a backup holds it back. */
const byTerm = ({ group, jobId }: JobName, version: number, changes: Update, ...conditions: Condition[]): Write =>
  update(
    jobKey(group, jobId),
    [...set('fence', version), ...changes],
    allOf(compare('fence', '<=', version), notStateLocked, ...conditions),
  );

/** A new leader continues at once: a claim is never held back. */
export const claimJob = ({ group, jobId }: JobName, version: number): Write =>
  update(jobKey(group, jobId), set('fence', version), allOf(compare('fence', '<=', version), isActive));

/** Moves every slot of a register one further, except where the list of cut slots stands in the way. */
const shift = (register: string, length: number): Update =>
  slots(length - 1).flatMap((from) =>
    set(`${register}[${from + 1}]`, ifAbsent(`cut[${length - 2 - from}]`, attributeOf(`${register}[${from}]`))),
  );

const shifted: Update = [...shift('checkpoints', checkpointSlots), ...shift('commits', commitSlots)];

const savepointAt = (payloadId: string) => ['savepoints', payloadId];

const isNew = (payloadId: string): Condition[] => [
  ...slots(commitSlots).map((slot) => compare(`commits[${slot}][0]`, '<>', value(idBytes(payloadId)))),
  absent(savepointAt(payloadId)),
];

interface Numbering {
  /** A list of the id alone. */
  readonly id: unknown;
  /** The next id and the newest one afterwards. */
  readonly changes: Update;
  /** When the id may be given. */
  readonly conditions: readonly Condition[];
}

function numberCheckpoint({ checkpointId }: NewCheckpoint, way: Exclude<Way, 'whole'>): Numbering {
  if (checkpointId === undefined) {
    const id: Source = attributeOf('nextCheckpointId');
    const changes = [...set('newest', attributeOf(nextId)), ...set(nextId, plus(attributeOf(nextId), 1))];
    return { id, changes, conditions: [] };
  }
  const isNewest = compare('newest', '<', checkpointId);
  const newest = set('newest', checkpointId);
  if (way === 'reserved') {
    return { id: [checkpointId], changes: newest, conditions: [compare(nextId, '>', checkpointId), isNewest] };
  }
  const changes = [...newest, ...set(nextId, checkpointId + 1)];
  return { id: [checkpointId], changes, conditions: [compare(nextId, '<=', checkpointId), isNewest] };
}

/** A commit that is written without a reading. */
export function commitCheckpoint(
  name: JobName,
  version: number,
  checkpoint: NewCheckpoint,
  way: Exclude<Way, 'whole'>,
): Write {
  const { payload, otherPayloadId, metadata, expected, kind, requestId } = checkpoint;
  const asked = rememberAsked('c', requestId);
  const { id, changes, conditions } = numberCheckpoint(checkpoint, way);
  const isCheckpoint = kind === 'checkpoint';
  const ref = storedRef({ ...payload, metadata });
  const kept = isCheckpoint
    ? [...set('checkpoints[0]', ref), ...set('commits[0]', append([idBytes(payload.payloadId)], id)), ...shifted]
    : set(savepointAt(payload.payloadId), append([ref], id));
  return byTerm(
    name,
    version,
    [...kept, ...changes, ...asked.changes],
    isActive,
    ...asked.conditions,
    compare('graph.id', '<>', value(idBytes(payload.payloadId))),
    ...isNew(payload.payloadId),
    ...(otherPayloadId === undefined ? [] : isNew(otherPayloadId)),
    ...conditions,
    ...(expected === undefined ? [] : [equals(nextId, expected)]),
    isCheckpoint ? compare('retain', '<=', checkpointSlots) : compare(size('savepoints'), '<', maxSavepoints),
  );
}

/** Nothing was committed, reserved, dropped or replaced since the job was seen. */
const isUnchanged = (seen: Job): Condition[] => [isActive, equals('retain', seen.retain), nothingCommittedSince(seen)];

/** A commit to a job that keeps more than the registers hold: its lists are written as a whole. */
export function commitWhole(seen: Job, version: number, after: Job, requestId: string): Write {
  const asked = rememberAsked('c', requestId);
  const { checkpoints, commits } = storedRegisters(after);
  const changes = [
    ...setAll({ checkpoints, commits, newest: newestOf(after) }),
    ...set(nextId, after.nextCheckpointId),
    ...asked.changes,
  ];
  return byTerm(seen, version, changes, ...isUnchanged(seen), ...asked.conditions);
}

export function reserveId(name: JobName, version: number, requestId: string): Write {
  const { changes, conditions } = rememberAsked('r', requestId);
  return byTerm(name, version, [...set(nextId, plus(attributeOf(nextId), 1)), ...changes], isActive, ...conditions);
}

/** Reserves this id and every one below. */
export function reserveUpTo(name: JobName, version: number, checkpointId: number, requestId: string): Write {
  const { changes, conditions } = rememberAsked('r', requestId);
  const isNext = compare(nextId, '<=', checkpointId);
  return byTerm(name, version, [...set(nextId, checkpointId + 1), ...changes], isActive, isNext, ...conditions);
}

/** Clearing single slots can never bring back what another request has dropped meanwhile. */
export const dropCheckpoints = (seen: Job, version: number, isKept: (checkpointId: number) => boolean): Write =>
  byTerm(seen, version, [...clearSlots(seen, isKept), ...nextRevision], ...isUnchanged(seen));

function clearSlots(seen: Job, isKept: (checkpointId: number) => boolean): Update {
  if (seen.retain <= checkpointSlots) {
    const gone = slots(seen.retain).filter((at) => !isKept(seen.commits[at]?.checkpointId ?? -1));
    return gone.flatMap((at) => set(`checkpoints[${at}]`, null));
  }
  const checkpoints = seen.checkpoints.filter(({ checkpointId }) => isKept(checkpointId));
  return set('checkpoints', storedRegisters({ ...seen, checkpoints }).checkpoints);
}

export const discardAll = (name: JobName, version: number, requestMark: string): Write =>
  byTerm(
    name,
    version,
    [...setAll({ checkpoints: noSlots(), discardedBy: requestMark }), ...nextRevision],
    isActive,
    compare('discardedBy', '<>', requestMark),
  );

/** `ttl` for the last savepoint of a job that is cleaned up. */
export const removeSavepoint = (name: JobName, version: number, payloadId: string, ttl: number | undefined): Write =>
  byTerm(
    name,
    version,
    [...setAll({ ttl }), ...remove(savepointAt(payloadId))],
    exists(savepointAt(payloadId)),
    ...(ttl === undefined ? [] : [compare(size('savepoints'), '=', 1)]),
  );

/** The application has deleted what the checkpoints refer to: the job is listed for its clean-up. */
export function acknowledgeCleanUp(name: JobName, version: number): Write {
  return byTerm(name, version, [...setAll(owesCleanUp(name.group)), ...remove('cleanUp')], equals('state', 'FINISHED'));
}
