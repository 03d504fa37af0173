/**
 * Updates and conditions of the writes to a job's checkpoints, as DynamoDB expressions. Design: docs/design/jobs.md,
 * "Rules".
 */
import type { NewCheckpoint, Way } from './checkpoint.ts';
import { type Job, maxSavepoints, newestOf } from './job.ts';
import { checkpointSlots, commitSlots, idBytes, storedRef, storedRegisters } from './job-item.ts';

export const isActive = '#state = :active';
export const nextRevision = 'revision = revision + :one';
export const active = { names: { '#state': 'state' }, values: { ':active': 'ACTIVE' } };

export interface Expression {
  readonly set?: readonly string[];
  readonly remove?: readonly string[];
  readonly conditions?: readonly string[];
  readonly names?: Record<string, string>;
  readonly values?: Record<string, unknown>;
}

const slots = (count: number) => Array.from({ length: count }, (_, at) => at);

/**
 * Moves every slot of a register one further, except where the list of cut slots stands in the way. Without spaces, and
 * with registers of one letter: an expression has 4,096 bytes at most, of which a quarter stays free.
 */
function shift(register: string, length: number): string[] {
  return slots(length - 1).map(
    (from) => `${register}[${from + 1}]=if_not_exists(cut[${length - 2 - from}],${register}[${from}])`,
  );
}

const shifted = [...shift('#r', checkpointSlots), ...shift('#c', commitSlots)].join(',');

const isNew = (payload: string) => slots(commitSlots).map((slot) => `#c[${slot}][0] <> ${payload}`);

/** The id of a commit, what it leaves as the next and as the newest one, and when it may be given. */
const ids: Record<Exclude<Way, 'whole'>, { id: string; set: string[]; conditions: string[] }> = {
  next: {
    id: 'nextCheckpointId',
    set: ['newest = nextCheckpointId[0]', 'nextCheckpointId[0] = nextCheckpointId[0] + :one'],
    conditions: [],
  },
  fresh: {
    id: ':given',
    set: ['newest = :id', 'nextCheckpointId[0] = :after'],
    conditions: ['nextCheckpointId[0] <= :id AND newest < :id'],
  },
  reserved: { id: ':given', set: ['newest = :id'], conditions: ['nextCheckpointId[0] > :id AND newest < :id'] },
};

function idValues({ checkpointId }: NewCheckpoint, way: Way): Record<string, unknown> {
  if (checkpointId === undefined) return { ':one': 1 };
  return {
    ':id': checkpointId,
    ':given': [checkpointId],
    ...(way === 'fresh' ? { ':after': checkpointId + 1 } : {}),
  };
}

/** A commit that is written without a reading. */
export function commitOf(checkpoint: NewCheckpoint, way: Exclude<Way, 'whole'>): Expression {
  const { payload, otherPayloadId, metadata, expected, kind } = checkpoint;
  const { id, set, conditions } = ids[way];
  const isCheckpoint = kind === 'checkpoint';
  const ref = storedRef({ ...payload, metadata });
  const other = otherPayloadId === undefined ? [] : [...isNew(':other'), 'attribute_not_exists(savepoints.#other)'];
  return {
    set: isCheckpoint
      ? [`#r[0] = :ref, #c[0] = list_append(:commit, ${id})`, shifted, ...set]
      : [`savepoints.#payload = list_append(:ref, ${id})`, ...set],
    conditions: [
      isActive,
      ...isNew(':payload'),
      'graph.id <> :payload AND attribute_not_exists(savepoints.#payload)',
      ...other,
      ...conditions,
      ...(expected === undefined ? [] : ['nextCheckpointId[0] = :expected']),
      isCheckpoint ? 'retain <= :slots' : 'size(savepoints) < :most',
    ],
    names: {
      ...active.names,
      '#c': 'commits',
      '#payload': payload.payloadId,
      ...(isCheckpoint ? { '#r': 'checkpoints' } : {}),
      ...(otherPayloadId === undefined ? {} : { '#other': otherPayloadId }),
    },
    values: {
      ...active.values,
      ...idValues(checkpoint, way),
      ':payload': idBytes(payload.payloadId),
      ...(isCheckpoint
        ? { ':ref': ref, ':commit': [idBytes(payload.payloadId)], ':slots': checkpointSlots }
        : { ':ref': [ref], ':most': maxSavepoints }),
      ...(expected === undefined ? {} : { ':expected': expected }),
      ...(otherPayloadId === undefined ? {} : { ':other': idBytes(otherPayloadId) }),
    },
  };
}

/** That nothing was committed, reserved, dropped or replaced since the job was seen. */
export function unchanged(seen: Job): { conditions: string[]; values: Record<string, unknown> } {
  return {
    conditions: [
      isActive,
      'nextCheckpointId[0] = :next AND newest = :newest AND retain = :retain AND revision = :revision',
    ],
    values: {
      ...active.values,
      ':next': seen.nextCheckpointId,
      ':newest': newestOf(seen),
      ':retain': seen.retain,
      ':revision': seen.revision ?? 0,
    },
  };
}

/**
 * Clearing single slots can never bring back what another request has dropped meanwhile; lists are written under
 * `unchanged`.
 */
export function dropped(seen: Job, isKept: (checkpointId: number) => boolean): Pick<Expression, 'set' | 'values'> {
  if (seen.retain <= checkpointSlots) {
    const gone = slots(seen.retain).filter((at) => !isKept(seen.commits[at]?.checkpointId ?? -1));
    return {
      set: gone.map((at) => `checkpoints[${at}] = :none`),
      values: gone.length > 0 ? { ':none': null } : {},
    };
  }
  const checkpoints = seen.checkpoints.filter(({ checkpointId }) => isKept(checkpointId));
  return { set: ['checkpoints = :refs'], values: { ':refs': storedRegisters({ ...seen, checkpoints }).checkpoints } };
}
