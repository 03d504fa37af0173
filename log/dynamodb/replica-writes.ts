/** The writes of a replica, as values: the acceptor's rules as conditions. */
import { absent, allOf, anyOf, type Condition, compare, equals } from '../../store/condition.ts';
import { attributeOf, type Change, plus, remove, set } from '../../store/update.ts';
import { put, update, type Write } from '../../store/write.ts';
import { applyChange, type MetaChange, performed } from '../protocol/acceptor.ts';
import { requireAcceptance, requireReplicaChange, requireStaged, type SlotChange } from '../protocol/invariants.ts';
import {
  type AcceptRequest,
  type Action,
  ballotKey,
  type Meta,
  nothingThere,
  type StageRequest,
} from '../protocol/replica.ts';
import { metaKey, type StoredMeta, slotKey, slotState, toItem } from './replica-item.ts';

const risingRevision = set('revision', plus(attributeOf('revision'), 1));

/** A replica, and the partition that it has in its table. */
export interface Place {
  readonly id: string;
  readonly pk: string;
}

/** A record for a table that has none, or one of another table of the name. @throws InvariantViolationError */
export function createMeta({ id, pk }: Place, meta: Meta): Write {
  requireReplicaChange(id, { before: nothingThere, after: meta, slots: [] });
  const isOurs = anyOf(absent('pk'), compare('epoch', '<>', meta.epoch));
  return put(metaKey(pk), { ...meta, revision: 1 }, isOurs);
}

/** The value, where nothing stands but what was staged under a lower ballot: the rule is `stage`. */
export function stageSlot({ id, pk }: Place, { number, by, position, value }: StageRequest): Write {
  const slot: Action = { ...performed(position, { number, by }, value), staged: true };
  requireStaged(id, slot);
  const isFree = anyOf(absent('pk'), allOf(equals('staged', true), compare('n', '<', number)));
  return put(slotKey(pk, position), toItem(slot), isFree);
}

/**
 * The acceptance of a slot by the rule `accept`, with nobody in between. Without a mark the slot is the first of its
 * ballot, else it follows the one before it.
 */
export function acceptSlot(
  { id, pk }: Place,
  request: AcceptRequest,
  { epoch, configuration }: Pick<Meta, 'epoch' | 'configuration'>,
): Write {
  requireAcceptance(id, request);
  const { number, by, view, position, last, learnedTo } = request;
  const ballot = ballotKey(number, by);
  const run: Condition = learnedTo
    ? allOf(equals('accepted.ballot', ballot), equals('accepted.to', position - 1))
    : anyOf(absent('accepted'), compare('accepted.ballot', '<>', ballot));
  const condition = allOf(
    equals('status', 'VOTING'),
    equals('view', view),
    equals('epoch', epoch),
    compare('floor', '<=', position),
    compare('end', '<=', last),
    compare('configuration', '<=', configuration),
    anyOf(compare('promised', '<', number), allOf(equals('promised', number), equals('promisedBy', by))),
    absent('lock'),
    run,
  );
  const changes: Change[] = [
    ...risingRevision,
    ...set('end', last),
    ...set('configuration', configuration),
    ...(learnedTo ? set('accepted.to', last) : set('accepted', { ballot, from: position, to: last })),
    ...set(['learnedTo', ballot], learnedTo),
  ];
  return update(metaKey(pk), changes, condition);
}

/**
 * A change of the record and of slots, all or none, conditioned on what it was decided on.
 *
 * @throws InvariantViolationError
 */
export function changeReplica(
  { id, pk }: Place,
  stored: StoredMeta,
  change: MetaChange,
  slots: readonly SlotChange[] = [],
): [Write, ...Write[]] {
  requireReplicaChange(id, { before: stored.meta, after: applyChange(stored.meta, change), slots });
  return [changeMeta(pk, stored, change), ...slots.map(({ before, after }) => storeSlot(pk, after, before))];
}

function changeMeta(pk: string, { meta, revision }: StoredMeta, change: MetaChange): Write {
  const entries = Object.entries(change);
  const changes = [
    ...risingRevision,
    ...entries.flatMap(([name, to]) => set([name], to)),
    ...remove(...entries.flatMap(([name, to]) => (to === undefined ? [[name]] : []))),
  ];
  return update(metaKey(pk), changes, allOf(equals('revision', revision), equals('epoch', meta.epoch)));
}

/**
 * The slot must be as it was read. The record's revision alone does not say so: a read may miss what a transaction
 * wrote there that the record already shows, and a staged value leaves the record as it is.
 */
function storeSlot(pk: string, action: Action, before: Action | undefined): Write {
  return put(slotKey(pk, action.position), toItem(action), before ? isStill(before) : absent('pk'));
}

function isStill({ value: _, ...state }: Action): Condition {
  const item = toItem(state);
  return allOf(
    ...slotState.map((name) => {
      const is = item[name];
      return is === undefined ? absent([name]) : equals([name], is as string | number | boolean);
    }),
  );
}
