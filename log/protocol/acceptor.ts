/**
 * The acceptor's rules, as pure decisions on what the replica holds. The simulation applies them in memory; the binding
 * to DynamoDB writes them conditioned on what they were decided on. Design: docs/design/log.md, "Acceptor rules".
 */
import {
  type AcceptedRun,
  type AcceptRequest,
  type Action,
  type Ballot,
  ballotKey,
  type Change,
  type EmptyRequest,
  type Expected,
  isAccepted,
  isLearned,
  isTombstone,
  type LearnAnswer,
  type LearnedAction,
  type LockRequest,
  lastOf,
  type Meta,
  nothingThere,
  type PositionPromiseAnswer,
  type PositionPromiseRequest,
  type PromiseAnswer,
  type PromiseRequest,
  type Refusal,
  type StageAnswer,
  type StageRequest,
  type Status,
  sameValue,
  settledOf,
  type Value,
  type WriteAnswer,
  type WriteRequest,
  withoutStaged,
} from './replica.ts';

/** Attributes to set; those that are undefined are removed. */
export type MetaChange = { readonly [Name in keyof Meta]?: Meta[Name] | undefined };

/** The record after a change. */
export function applyChange(meta: Meta, change: MetaChange): Meta {
  const after = Object.entries({ ...meta, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(after) as unknown as Meta;
}

export interface Decision<Answer> {
  readonly answer: Answer;
  /** Changes of the replica's record; none when absent. */
  readonly meta?: MetaChange;
  /** Slots to store as they stand here. */
  readonly actions?: readonly Action[];
}

/** A record counts only in the table that it was written for. */
export function inForce(meta: Meta | undefined, epoch: number): Meta {
  return meta && meta.epoch === epoch ? meta : nothingThere;
}

/** Whether the replica follows a newer configuration than the coordinator: what a majority is may have changed. */
export function isStale(meta: Meta, configuration: number): boolean {
  return meta.configuration > configuration;
}

/** The change of configuration by a coordinator: from then on the replica refuses every older configuration. */
export function withConfiguration(change: MetaChange, configuration: number): MetaChange {
  return { configuration, ...change };
}

/** Promises not to take part in anything below the ballot in slots that hold no action yet. */
export function promise(meta: Meta, { number, by, view, forget }: PromiseRequest): Decision<PromiseAnswer> {
  const refusal = abstains(meta, view);
  if (refusal) return { answer: refusal };
  const answer: PromiseAnswer = { verdict: 'ACCEPT', begin: meta.begin, end: meta.end, settled: settledOf(meta) };
  if (number === meta.promised && by === meta.promisedBy) return { answer };
  if (number <= meta.promised) return { answer: { verdict: 'REJECT', promised: meta.promised } };
  const learnedTo = Object.fromEntries(Object.entries(meta.learnedTo).filter(([key]) => !forget.includes(key)));
  return { answer, meta: { promised: number, promisedBy: by, learnedTo } };
}

/** Promises one slot, which may hold an action already; the answer is that action as it was before. */
export function promiseAt(
  meta: Meta,
  action: Action | undefined,
  { number, by, view, position }: PositionPromiseRequest,
): Decision<PositionPromiseAnswer> {
  const refusal = abstains(meta, view);
  if (refusal) return { answer: refusal };
  if (position < meta.floor) return { answer: { verdict: 'ACCEPT', action: tombstone(meta) } };
  if (action && isLearned(meta, action)) return { answer: { verdict: 'ACCEPT', action: learnedAs(action) } };
  if (action && number === action.promised && by === action.promisedBy)
    return { answer: { verdict: 'ACCEPT', action } };
  const promised = Math.max(action?.promised ?? 0, isAnchored(meta, action) ? 0 : meta.promised);
  if (number <= promised) return { answer: { verdict: 'REJECT', promised } };
  return {
    answer: { verdict: 'ACCEPT', action },
    meta: { end: Math.max(meta.end, position) },
    actions: [{ ...action, position, promised: number, promisedBy: by }],
  };
}

/** Performs a value in one slot. */
export function write(
  meta: Meta,
  action: Action | undefined,
  { number, by, view, position, value, learnedTo, fill }: WriteRequest,
): Decision<WriteAnswer> {
  const refusal = abstains(meta, view);
  if (refusal) return { answer: refusal };
  if (position < meta.floor) return { answer: { verdict: 'LEARNED', action: tombstone(meta) } };
  if (action && isLearned(meta, action)) return { answer: { verdict: 'LEARNED', action: learnedAs(action) } };
  const judges = [action, isAnchored(meta, action) ? undefined : meta].filter((one) => one !== undefined);
  const refusing = judges.filter((promised) => outranks(promised, { number, by }));
  const again = action?.performed === number && action.performedBy === by;
  if (again && !(action.value && sameValue(action.value, value))) refusing.push(action);
  if (refusing.length > 0) {
    return { answer: { verdict: 'REJECT', promised: Math.max(...refusing.map(({ promised }) => promised)) } };
  }
  if (!fill && meta.lock) return { answer: { verdict: 'LOCKED', lock: meta.lock } };
  const stored = performed(position, { number, by }, value);
  const learned = learnedTo && { learnedTo: { ...meta.learnedTo, [ballotKey(number, by)]: learnedTo } };
  return {
    answer: { verdict: 'ACCEPT' },
    meta: { end: Math.max(meta.end, lastOf(stored)), ...learned },
    actions: [stored],
  };
}

/** Puts a proposed value where nothing stands but what was staged under a lower ballot. */
export function stage(
  action: Action | undefined,
  { number, by, position, value }: StageRequest,
): { readonly answer: StageAnswer; readonly action?: Action } {
  if (action?.performed === number && action.performedBy === by) {
    return { answer: { staged: action.value !== undefined && sameValue(action.value, value) } };
  }
  if (action && (!action.staged || outranks(action, { number, by }))) return { answer: { staged: false } };
  return { answer: { staged: true }, action: { ...performed(position, { number, by }, value), staged: true } };
}

/** Accepts what is staged in a slot under the ballot; the slot itself is not looked at. */
export function accept(meta: Meta, request: AcceptRequest): Decision<WriteAnswer> {
  const { number, by, view, position, last, learnedTo } = request;
  const refusal = abstains(meta, view);
  if (refusal) return { answer: refusal };
  const ballot = ballotKey(number, by);
  const run = meta.accepted;
  if (run?.ballot === ballot && run.from <= position && last <= run.to) return { answer: { verdict: 'ACCEPT' } };
  if (position < meta.floor) return { answer: { verdict: 'LEARNED', action: tombstone(meta) } };
  if (outranks(meta, { number, by })) return { answer: { verdict: 'REJECT', promised: meta.promised } };
  if (meta.lock) return { answer: { verdict: 'LOCKED', lock: meta.lock } };
  const learned = learnedTo && { learnedTo: { ...meta.learnedTo, [ballot]: learnedTo } };
  const accepted = grown(run, { ballot, from: position, to: last });
  return { answer: { verdict: 'ACCEPT' }, meta: { end: Math.max(meta.end, last), accepted, ...learned } };
}

/** One run is kept, the newest: of what it leaves out the slots themselves do not tell that it was accepted. */
function grown(run: AcceptedRun | undefined, slot: AcceptedRun): AcceptedRun {
  if (run?.ballot !== slot.ballot) return slot;
  if (run.to + 1 === slot.from) return { ...run, to: slot.to };
  if (slot.to + 1 === run.from) return { ...run, from: slot.from };
  return slot.from > run.to ? slot : run;
}

/**
 * Whether every later election asks for this slot, so that its own promise decides: a staged value alone has not raised
 * `end`.
 */
function isAnchored(meta: Meta, action: Action | undefined): boolean {
  if (!action) return false;
  const isPromised = action.promised !== action.performed || action.promisedBy !== action.performedBy;
  return !action.staged || isPromised || isAccepted(meta, action);
}

function learnedAs(action: LearnedAction): LearnedAction {
  return { ...withoutStaged(action), learned: true };
}

/** Without the raised promise a delayed older write would overwrite a newer one: two values chosen for one position. */
export function performed(position: number, { number, by }: Ballot, value: Value): Action & { readonly value: Value } {
  return { position, promised: number, promisedBy: by, performed: number, performedBy: by, value };
}

/** Stores what is known to be chosen; a recovering replica takes it too. */
export function learn(
  meta: Meta,
  existing: ReadonlyMap<number, Action>,
  actions: readonly LearnedAction[],
): Decision<LearnAnswer> {
  if (meta.status !== 'VOTING' && meta.status !== 'RECOVERING') {
    return { answer: { verdict: 'IGNORED', status: meta.status } };
  }
  let { begin, floor, end } = meta;
  for (const action of actions) {
    const { position, value } = action;
    if (position < meta.floor && !isTombstone(value)) continue;
    if (value.type === 'TRUNCATE') {
      begin = Math.max(begin, value.to);
      floor = Math.max(floor, value.floor);
    }
    if (isTombstone(value)) {
      begin = Math.max(begin, value.tombstone.begin);
      floor = Math.max(floor, position + 1);
    }
    end = Math.max(end, lastOf(action), begin);
  }
  const stored = actions.filter(({ position, value }) => {
    const known = existing.get(position);
    return position >= floor && !isTombstone(value) && !(known && isLearned(meta, known));
  });
  const answer: LearnAnswer = { verdict: 'ACCEPT', begin, end };
  const isMoved = begin !== meta.begin || floor !== meta.floor || end !== meta.end;
  if (stored.length === 0 && !isMoved) return { answer };
  return { answer, meta: { begin, floor, end }, actions: stored.map(learnedAs) };
}

/** A slot with what the record says of it: whether it is learned, or accepted. */
export function show(meta: Meta, action: Action): Action {
  if (isLearned(meta, action)) return learnedAs(action);
  return isAccepted(meta, action) ? withoutStaged(action) : action;
}

/** Moves the replica's status; undefined when it lives another life, has another status, or may not go there. */
export function transition(meta: Meta, expected: Expected, change: Change): MetaChange | undefined {
  const { status, incarnation, view, promised, promisedBy, end, origin, restoreId } = change;
  if (meta.incarnation === '' || meta.incarnation !== expected.incarnation) return undefined;
  if (meta.status !== expected.status || !allowed[meta.status].includes(status)) return undefined;
  if (meta.restoreId !== undefined && restoreId !== meta.restoreId) return undefined;
  return {
    status,
    ...(incarnation !== undefined && { incarnation }),
    ...(view !== undefined && { view }),
    ...(promised !== undefined && promised > meta.promised && { promised, promisedBy }),
    ...(end !== undefined && { end: Math.max(end, meta.end) }),
    ...(origin !== undefined && { begin: origin, floor: origin, end: origin }),
    ...(restoreId !== undefined && { restoreId: status === 'VOTING' ? undefined : restoreId }),
    ...(meta.lock && removeLock(meta)),
  };
}

/**
 * Ends this life of a replica that a restore holds: what it held was discarded, and it is as if it had never been used.
 */
export function empty(meta: Meta, { restoreId, incarnation }: EmptyRequest): MetaChange | undefined {
  if (meta.status !== 'RECOVERING' || meta.restoreId !== restoreId) return undefined;
  const { view: _view, epoch: _epoch, ...unused } = nothingThere;
  // The log that is created next under the name begins with its first configuration.
  return { ...unused, incarnation, configuration: 0, restoreId: undefined, lock: undefined, accepted: undefined };
}

const allowed: Record<Status, readonly Status[]> = {
  EMPTY: ['STARTING', 'RECOVERING'],
  STARTING: ['STARTING', 'RECOVERING', 'VOTING'],
  RECOVERING: ['RECOVERING', 'VOTING'],
  VOTING: ['RECOVERING'],
};

/** A voting replica takes another view, so that what was promised to coordinators with the old one counts no more. */
export function replaceView(meta: Meta, view: string): MetaChange | undefined {
  return meta.status === 'VOTING' ? { view } : undefined;
}

/** Holds appends back until it is removed. An existing lock stays, whichever backup set it. */
export function lock(meta: Meta, { lockId, at, view, turn }: LockRequest): MetaChange | undefined {
  if (meta.status !== 'VOTING' || meta.view !== view) return undefined;
  if (meta.lock) return meta.lock.lockId === lockId && meta.lockTurn === turn + 1 ? {} : undefined;
  return meta.lockTurn === turn ? { lock: { lockId, at }, lockTurn: turn + 1 } : undefined;
}

/**
 * Removes the lock. Where none is, the turn rises all the same: the lock may be on its way still, and finds another
 * turn then.
 */
export function unlock(meta: Meta, lockId: string): MetaChange | undefined {
  if (meta.lock) return meta.lock.lockId === lockId ? removeLock(meta) : undefined;
  return meta.status === 'VOTING' ? removeLock(meta) : undefined;
}

function removeLock({ lockTurn }: Meta): MetaChange {
  return { lock: undefined, lockTurn: lockTurn + 1 };
}

/** Stands for all slots before the floor. */
export function tombstone({ floor, begin }: Pick<Meta, 'floor' | 'begin'>): LearnedAction {
  const value = { type: 'NOP', tombstone: { begin } } as const;
  return { position: floor - 1, promised: 0, promisedBy: '', learned: true, value };
}

function abstains(meta: Meta, view: string): Refusal | undefined {
  if (meta.status !== 'VOTING') return { verdict: 'IGNORED', status: meta.status };
  return meta.view === view ? undefined : { verdict: 'STALE_VIEW' };
}

/** Equal numbers of two coordinators are two ballots: the one that was promised first stands. */
function outranks(promised: { promised: number; promisedBy: string }, { number, by }: Ballot): boolean {
  return number < promised.promised || (number === promised.promised && by !== promised.promisedBy);
}
