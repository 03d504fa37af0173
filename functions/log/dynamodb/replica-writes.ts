/** The writes of a replica, as values: the acceptor's rules as conditions. */
import { absent, allOf, anyOf, type Condition, compare, equals } from '../../../store/condition.ts';
import { attributeOf, type Change, plus, remove, set } from '../../../store/update.ts';
import { put, update, type Write } from '../../../store/write.ts';
import { type MetaChange, performed } from '../protocol/acceptor.ts';
import { type AcceptRequest, type Action, ballotKey, type Meta, type StageRequest } from '../protocol/replica.ts';
import { metaKey, type StoredMeta, slotKey, slotState, toItem } from './replica-item.ts';

const risingRevision = set('revision', plus(attributeOf('revision'), 1));

/** A record for a table that has none, or one of another table of the name. */
export function createMeta(pk: string, meta: Meta): Write {
  const isOurs = anyOf(absent('pk'), compare('epoch', '<>', meta.epoch));
  return put(metaKey(pk), { ...meta, revision: 1 }, isOurs);
}

/** The value, where nothing stands but what was staged under a lower ballot: the rule is `stage`. */
export function stageSlot(pk: string, { number, by, position, value }: StageRequest): Write {
  const slot: Action = { ...performed(position, { number, by }, value), staged: true };
  const isFree = anyOf(absent('pk'), allOf(equals('staged', true), compare('n', '<', number)));
  return put(slotKey(pk, position), toItem(slot), isFree);
}

/**
 * The acceptance of a slot by the rule `accept`, with nobody in between. Without a mark the slot is the first of its
 * ballot, else it follows the one before it.
 */
export function acceptSlot(pk: string, request: AcceptRequest, epoch: number, configuration: number): Write {
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

/** A change of the record, conditioned on the revision that it was decided on. */
export function changeMeta(pk: string, { meta, revision }: StoredMeta, change: MetaChange): Write {
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
export function storeSlot(pk: string, action: Action, before: Action | undefined): Write {
  return put(slotKey(pk, action.position), toItem(action), before ? isStill(before) : absent('pk'));
}

function isStill(action: Action): Condition {
  const item = toItem(action);
  return allOf(
    ...slotState.map((name) => {
      const is = item[name];
      return is === undefined ? absent([name]) : equals([name], is as string | number | boolean);
    }),
  );
}
