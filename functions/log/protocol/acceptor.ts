/**
 * The acceptor's rules, as pure decisions on what the replica holds. The simulation applies them in memory; the binding
 * to DynamoDB writes them conditioned on what they were decided on. Design: docs/design/log.md, "Acceptor rules".
 */
import {
  type Action,
  type Ballot,
  ballotKey,
  type Change,
  type EmptyRequest,
  type Expected,
  isLearned,
  type LearnAnswer,
  type LearnedAction,
  type LockRequest,
  type Meta,
  nothingThere,
  type PositionPromiseAnswer,
  type PositionPromiseRequest,
  type PromiseAnswer,
  type PromiseRequest,
  type Refusal,
  type Status,
  sameValue,
  settledOf,
  type Value,
  type WriteAnswer,
  type WriteRequest,
} from './replica.ts';

/** Attributes to set; those that are undefined are removed. */
export type MetaChange = { readonly [Name in keyof Meta]?: Meta[Name] | undefined };

export interface Decision<Answer> {
  readonly answer: Answer;
  /** Changes of the replica's record; none when absent. */
  readonly meta?: MetaChange;
  /** Positions to store as they stand here. */
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
export function following(change: MetaChange, configuration: number): MetaChange {
  return { configuration, ...change };
}

/** Promises not to take part in anything below the ballot at positions that hold no action yet. */
export function promise(meta: Meta, { number, by, view, forget }: PromiseRequest): Decision<PromiseAnswer> {
  const refusal = abstains(meta, view);
  if (refusal) return { answer: refusal };
  const answer: PromiseAnswer = { verdict: 'ACCEPT', begin: meta.begin, end: meta.end, settled: settledOf(meta) };
  if (number === meta.promised && by === meta.promisedBy) return { answer };
  if (number <= meta.promised) return { answer: { verdict: 'REJECT', promised: meta.promised } };
  const learnedTo = Object.fromEntries(Object.entries(meta.learnedTo).filter(([key]) => !forget.includes(key)));
  return { answer, meta: { promised: number, promisedBy: by, learnedTo } };
}

/** Promises one position, which may hold an action already; the answer is that action as it was before. */
export function promiseAt(
  meta: Meta,
  action: Action | undefined,
  { number, by, view, position }: PositionPromiseRequest,
): Decision<PositionPromiseAnswer> {
  const refusal = abstains(meta, view);
  if (refusal) return { answer: refusal };
  if (position < meta.begin) return { answer: { verdict: 'ACCEPT', action: tombstone(position) } };
  const raised = { position, promised: number, promisedBy: by };
  const touched = { end: Math.max(meta.end, position) };
  if (action === undefined) {
    if (number <= meta.promised) return { answer: { verdict: 'REJECT', promised: meta.promised } };
    return { answer: { verdict: 'ACCEPT', action }, meta: touched, actions: [raised] };
  }
  if (isLearned(meta, action)) return { answer: { verdict: 'ACCEPT', action: { ...action, learned: true } } };
  if (number === action.promised && by === action.promisedBy) return { answer: { verdict: 'ACCEPT', action } };
  if (number <= action.promised) return { answer: { verdict: 'REJECT', promised: action.promised } };
  return { answer: { verdict: 'ACCEPT', action }, meta: touched, actions: [{ ...action, ...raised }] };
}

/**
 * Performs values at consecutive positions, all or none. `existing` holds the current values, in the order of the
 * entries.
 */
export function write(
  meta: Meta,
  existing: readonly (Action | undefined)[],
  { number, by, view, entries, learnedTo, fill }: WriteRequest,
): Decision<WriteAnswer> {
  const refusal = abstains(meta, view);
  if (refusal) return { answer: refusal };
  const settled = entries.flatMap(({ position }, at): LearnedAction[] => {
    const action = existing[at];
    if (position < meta.begin) return [tombstone(position)];
    return action && isLearned(meta, action) ? [{ ...action, learned: true }] : [];
  });
  if (settled.length > 0) return { answer: { verdict: 'LEARNED', actions: settled } };
  for (const [at, { value }] of entries.entries()) {
    const action = existing[at];
    const promised = action ?? meta;
    if (outranks(promised, { number, by })) return { answer: { verdict: 'REJECT', promised: promised.promised } };
    const again = action?.performed === number && action.performedBy === by;
    if (again && !(action.value && sameValue(action.value, value))) {
      return { answer: { verdict: 'REJECT', promised: action.promised } };
    }
  }
  if (!fill && meta.lock) return { answer: { verdict: 'LOCKED', lock: meta.lock } };
  const last = entries.at(-1)?.position ?? meta.end;
  const marks = learnedTo ? { ...meta.learnedTo, [ballotKey(number, by)]: learnedTo } : meta.learnedTo;
  return {
    answer: { verdict: 'ACCEPT' },
    meta: { end: Math.max(meta.end, last), learnedTo: marks },
    actions: entries.map(({ position, value }) => performed(position, { number, by }, value)),
  };
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
  let { begin, end } = meta;
  for (const { position, value } of actions) {
    if (position < meta.begin) continue;
    if (value.type === 'TRUNCATE') begin = Math.max(begin, value.to);
    if (value.type === 'NOP' && value.tombstone) begin = Math.max(begin, position + 1);
    end = Math.max(end, position, begin);
  }
  const stored = actions.filter(({ position }) => {
    const known = existing.get(position);
    return position >= begin && !(known && isLearned(meta, known));
  });
  const answer: LearnAnswer = { verdict: 'ACCEPT', begin, end };
  if (stored.length === 0 && begin === meta.begin && end === meta.end) return { answer };
  return { answer, meta: { begin, end }, actions: stored };
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
    ...(origin !== undefined && { begin: origin, end: origin }),
    ...(restoreId !== undefined && { restoreId: status === 'VOTING' ? undefined : restoreId }),
    ...(meta.lock && unlocked(meta)),
  };
}

/**
 * Ends this life of a replica that a restore holds: what it held was discarded, and it is as if it had never been used.
 */
export function empty(meta: Meta, { restoreId, incarnation }: EmptyRequest): MetaChange | undefined {
  if (meta.status !== 'RECOVERING' || meta.restoreId !== restoreId) return undefined;
  const { view: _view, epoch: _epoch, ...unused } = nothingThere;
  // The log that is created next under the name begins with its first configuration.
  return { ...unused, incarnation, configuration: 0, restoreId: undefined, lock: undefined };
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
  if (meta.lock) return meta.lock.lockId === lockId ? unlocked(meta) : undefined;
  return meta.status === 'VOTING' ? unlocked(meta) : undefined;
}

function unlocked({ lockTurn }: Meta): MetaChange {
  return { lock: undefined, lockTurn: lockTurn + 1 };
}

/** Stands for a position below a truncation. */
export function tombstone(position: number): LearnedAction {
  return { position, promised: 0, promisedBy: '', learned: true, value: { type: 'NOP', tombstone: true } };
}

function abstains(meta: Meta, view: string): Refusal | undefined {
  if (meta.status !== 'VOTING') return { verdict: 'IGNORED', status: meta.status };
  return meta.view === view ? undefined : { verdict: 'STALE_VIEW' };
}

/** Equal numbers of two coordinators are two ballots: the one that was promised first stands. */
function outranks(promised: { promised: number; promisedBy: string }, { number, by }: Ballot): boolean {
  return number < promised.promised || (number === promised.promised && by !== promised.promisedBy);
}
