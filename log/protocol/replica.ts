/**
 * The state of one replica of a log, and its requests. The log is a chain of slots: a slot is named by its first
 * position, and the value that is chosen for it says how many positions it covers, so where the next slot begins.
 */

export type Status = 'EMPTY' | 'STARTING' | 'RECOVERING' | 'VOTING';

/** Values performed under one ballot between the two positions (inclusive) are learned. By `ballotKey`. */
export type Marks = Readonly<Record<string, readonly [from: number, to: number]>>;

/** A staged value of this ballot, anywhere between the two positions, was accepted. */
export interface AcceptedRun {
  /** A `ballotKey`. */
  readonly ballot: string;
  readonly from: number;
  readonly to: number;
}

export interface Lock {
  readonly lockId: string;
  /** Epoch ms of the one who locked; only a hint for removing a forgotten lock. */
  readonly at: number;
}

/** Locks once: on this view and turn only, so that what comes late or twice cannot lock what was unlocked meanwhile. */
export interface LockRequest extends Lock {
  readonly view: string;
  readonly turn: number;
}

export interface Meta {
  readonly status: Status;
  /** One life of the replica: a wiped or re-created one gets another. Empty while there is no record at all. */
  readonly incarnation: string;
  readonly view: string;
  /** When the table was created: a table that came back under the same name cannot vote with an old record. */
  readonly epoch: number;
  readonly promised: number;
  readonly promisedBy: string;
  /** The first readable position. */
  readonly begin: number;
  /** The slot that `begin` lies in, or one before it: nothing is kept of the slots before. */
  readonly floor: number;
  /** The last position touched, inclusive. */
  readonly end: number;
  readonly learnedTo: Marks;
  /** The newest slots that were accepted one after the other under one ballot. */
  readonly accepted?: AcceptedRun;
  readonly lock?: Lock;
  /** Rises whenever a lock is set or removed, and when one is removed that is not there (yet). */
  readonly lockTurn: number;
  /** Set while a restore fills the replica: no recovery takes it over then. */
  readonly restoreId?: string;
  /** The newest configuration of the log that a coordinator has come with: an older one is refused from then on. */
  readonly configuration: number;
}

/** A request's part of a slot. */
export interface Share {
  readonly requestId: string;
  readonly count: number;
}

export type Value =
  /** Nothing, over `count` positions (1 unless given). A tombstone says that everything up to its position is gone. */
  | { readonly type: 'NOP'; readonly count?: number; readonly tombstone?: { readonly begin: number } }
  /** The entries of one or more requests, in order. */
  | { readonly type: 'APPEND'; readonly requests: readonly Share[]; readonly entries: readonly Uint8Array[] }
  /** `floor` is the slot that `to` lies in, or one before it. */
  | { readonly type: 'TRUNCATE'; readonly to: number; readonly floor: number; readonly requestId: string };

/** Limits of one slot. DynamoDB takes 400 KB in an item. */
export const slotEntries = 64;
export const slotBytes = 256 * 1024;

/** A replica's state of one slot: a promise, perhaps a value performed under a ballot, perhaps learned. */
export interface Action {
  /** The first position of the slot. */
  readonly position: number;
  readonly promised: number;
  readonly promisedBy: string;
  readonly performed?: number;
  readonly performedBy?: string;
  /**
   * The value was proposed under its ballot, and the slot by itself does not say whether the replica accepted it: the
   * record's `accepted` may.
   */
  readonly staged?: true;
  readonly learned?: true;
  readonly value?: Value;
}

export interface LearnedAction extends Action {
  readonly learned: true;
  readonly value: Value;
}

/** Names one coordinator attempt: equal numbers of different attempts are never the same ballot. */
export interface Ballot {
  readonly number: number;
  readonly by: string;
}

export interface PromiseRequest extends Ballot {
  readonly view: string;
  /** Marks that the replica may drop, so that its record stays under 1 KB. */
  readonly forget: readonly string[];
}

export interface PositionPromiseRequest extends Ballot {
  readonly view: string;
  readonly position: number;
}

export interface StageRequest extends Ballot {
  readonly position: number;
  readonly value: Value;
}

export interface AcceptRequest extends Ballot {
  readonly view: string;
  readonly position: number;
  /** The last position of the slot. */
  readonly last: number;
  /** The highest position that this ballot is known to have chosen: becomes the mark of the ballot. */
  readonly learnedTo?: readonly [from: number, to: number];
}

export interface WriteRequest extends StageRequest {
  readonly view: string;
  readonly learnedTo?: readonly [from: number, to: number];
  /** Fills settle what was sent already, so a state lock does not hold them. */
  readonly fill?: true;
  /** Nothing stands in the slot as far as the writer knows: the rule is tried as a condition at once. */
  readonly fresh?: true;
}

export type Refusal =
  | { readonly verdict: 'REJECT'; readonly promised: number }
  /** The replica does not vote. */
  | { readonly verdict: 'IGNORED'; readonly status: Status }
  /** The replica's view is another than the one that the coordinator read at first. */
  | { readonly verdict: 'STALE_VIEW' };

export type PromiseAnswer =
  | { readonly verdict: 'ACCEPT'; readonly begin: number; readonly end: number; readonly settled: number }
  | Refusal;

export type PositionPromiseAnswer = { readonly verdict: 'ACCEPT'; readonly action: Action | undefined } | Refusal;

/** `staged` is false when something else stands in the slot: then only an atomic `write` tells what. */
export type StageAnswer = { readonly staged: boolean };

export type WriteAnswer =
  | { readonly verdict: 'ACCEPT' }
  /** Nothing was stored: the slot is settled. */
  | { readonly verdict: 'LEARNED'; readonly action: LearnedAction }
  | { readonly verdict: 'LOCKED'; readonly lock: Lock }
  | Refusal;

export type LearnAnswer = { readonly verdict: 'ACCEPT'; readonly begin: number; readonly end: number } | Refusal;

/** The views that a coordinator read before its first promise; undefined where a replica did not vote then. */
export type Views = readonly (string | undefined)[];

/** The basis of a transition; it changes nothing once the replica lives another life or has another status. */
export interface Expected {
  readonly incarnation: string;
  readonly status: Status;
}

export interface Change {
  readonly status: Status;
  readonly incarnation?: string;
  readonly view?: string;
  readonly promised?: number;
  readonly promisedBy?: string;
  /** The last position of the others: what it holds already is not learned again, so it would not be raised by that. */
  readonly end?: number;
  /** First and last position of a log that is initialised again after everything was lost. */
  readonly origin?: number;
  readonly restoreId?: string;
}

export interface EmptyRequest {
  readonly restoreId: string;
  /** Of its next life. */
  readonly incarnation: string;
}

/** Whether the replica's record was changed, and the record as it is now. */
export interface MetaOutcome {
  readonly changed: boolean;
  readonly meta: Meta;
}

/**
 * Slots as this replica knows them, holes left out; `learned` and `staged` say what is learned and accepted, whatever
 * says so: the slot or the record.
 */
export interface Range {
  readonly meta: Meta;
  /** The last position that was looked at: of those after it the answer says nothing, not even that they are holes. */
  readonly to: number;
  readonly actions: readonly Action[];
}

/**
 * Entry data after which a range ends early. Three pages of DynamoDB, one after the other, come within `answerMs` from
 * any Region; 64 slots of 256 KiB would be sixteen, and too much for a partition that several read.
 */
export const rangeBytes = 2 * 1024 * 1024;

export function dataBytes({ value }: Action): number {
  return value?.type === 'APPEND' ? value.entries.reduce((sum, { length }) => sum + length, 0) : 0;
}

/** The positions that a slot with this value covers. */
export function lengthOf(value: Value | undefined): number {
  if (value?.type === 'APPEND') return value.entries.length;
  return value?.type === 'NOP' ? (value.count ?? 1) : 1;
}

/** Whether it stands for everything up to its position, which was truncated. */
export function isTombstone(value: Value): value is Value & { tombstone: { begin: number } } {
  return value.type === 'NOP' && value.tombstone !== undefined;
}

/** The last position of a slot, as far as its value tells. */
export function lastOf({ position, value }: Action): number {
  return position + lengthOf(value) - 1;
}

/**
 * One replica of one log, for a coordinator that follows one configuration. Every method is one atomic request and may
 * be sent again without harm. Throws `UnreachableError` when no answer came: the request may have taken effect. Throws
 * `StaleConfigurationError` once the replica follows a newer configuration; only `stage`, `learn`, `unlock` and
 * `discard` work all the same.
 */
export interface Replica {
  readonly id: string;
  read(): Promise<Meta>;
  promise(request: PromiseRequest): Promise<PromiseAnswer>;
  promiseAt(request: PositionPromiseRequest): Promise<PositionPromiseAnswer>;
  /**
   * Puts a proposed value into its slot, on a condition on that slot alone: by itself it changes nothing but the answer
   * to later promises for the slot. Nothing stands above it then that was promised for the slot.
   */
  stage(request: StageRequest): Promise<StageAnswer>;
  /** Accepts what was staged in the slot under this ballot: to be asked once that was answered. */
  accept(request: AcceptRequest): Promise<WriteAnswer>;
  /** Both in one atomic request, at twice the price. */
  write(request: WriteRequest): Promise<WriteAnswer>;
  learn(actions: readonly LearnedAction[]): Promise<LearnAnswer>;
  /**
   * The slots that begin at `from` to `to`, and if none begins at `from` the nearest one before it, from `floor` on.
   * Ends earlier, but not before `from`, once it has some `rangeBytes` of entries. With `learned` only what is learned
   * counts, and all of it may be seen as it was a moment ago: half the price.
   */
  range(from: number, to: number, only?: 'learned'): Promise<Range>;
  /** Gives a replica without a usable record a fresh one: EMPTY, with a new incarnation. Returns the current record. */
  create(fresh: { incarnation: string; view: string }): Promise<Meta>;
  transition(expected: Expected, change: Change): Promise<MetaOutcome>;
  /** Makes a replica that this restore holds EMPTY again, once its positions are discarded. */
  empty(request: EmptyRequest): Promise<MetaOutcome>;
  /** Changes the view if the replica votes; the answer is read from that same update. */
  replaceView(view: string): Promise<MetaOutcome>;
  lock(request: LockRequest): Promise<MetaOutcome>;
  unlock(lockId: string): Promise<MetaOutcome>;
  /** Deletes up to `limit` positions below `begin`; returns whether more are left. */
  discard(limit: number): Promise<{ discarded: number; more: boolean }>;
}

export function ballotKey(number: number, by: string): string {
  return `${number}.${by}`;
}

/** Everything up to this position is chosen, as far as this replica was told. */
export function settledOf(meta: Meta): number {
  return Object.values(meta.learnedTo).reduce((settled, [, to]) => Math.max(settled, to), meta.floor - 1);
}

export function isLearned(meta: Meta, action: Action): action is LearnedAction {
  if (action.learned) return true;
  if (action.performed === undefined) return false;
  const mark = meta.learnedTo[ballotKey(action.performed, action.performedBy ?? '')];
  return mark !== undefined && mark[0] <= action.position && action.position <= mark[1];
}

/** Whether the replica accepted the slot's value under the ballot that it stands under. */
export function isAccepted(meta: Meta, action: Action): boolean {
  if (action.performed === undefined) return false;
  return !action.staged || covers(meta.accepted, ballotKey(action.performed, action.performedBy ?? ''), action);
}

/** Whether the run holds the slot's positions, under this ballot. */
export function covers(run: AcceptedRun | undefined, ballot: string, slot: Action): boolean {
  return run?.ballot === ballot && run.from <= slot.position && lastOf(slot) <= run.to;
}

export function withoutStaged<Stored extends Action>({ staged: _, ...action }: Stored): Omit<Stored, 'staged'> {
  return action;
}

/** The state of a table without any record of the log. */
export const nothingThere: Meta = {
  status: 'EMPTY',
  incarnation: '',
  view: '',
  epoch: 0,
  promised: 0,
  promisedBy: '',
  begin: 0,
  floor: 0,
  end: 0,
  learnedTo: {},
  lockTurn: 0,
  configuration: 0,
};

/** The floor of a truncation may differ: each try of a request looks for it anew. */
export function sameValue(one: Value, other: Value): boolean {
  switch (one.type) {
    case 'NOP':
      return other.type === 'NOP' && lengthOf(one) === lengthOf(other) && !one.tombstone === !other.tombstone;
    case 'TRUNCATE':
      return other.type === 'TRUNCATE' && one.to === other.to && one.requestId === other.requestId;
    case 'APPEND':
      return (
        other.type === 'APPEND' &&
        sameList(one.requests, other.requests, (a, b) => a.requestId === b.requestId && a.count === b.count) &&
        sameList(one.entries, other.entries, (a, b) => sameList(a, b, (byte, again) => byte === again))
      );
  }
}

function sameList<Part>(one: ArrayLike<Part>, other: ArrayLike<Part>, same: (a: Part, b: Part) => boolean): boolean {
  if (one.length !== other.length) return false;
  return Array.prototype.every.call(one, (part: Part, at: number) => same(part, other[at] as Part));
}
