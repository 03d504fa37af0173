/** The state of one replica of a log, and its requests. */

export type Status = 'EMPTY' | 'STARTING' | 'RECOVERING' | 'VOTING';

/** Values performed under one ballot between the two positions (inclusive) are learned. By `ballotKey`. */
export type Marks = Readonly<Record<string, readonly [from: number, to: number]>>;

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
  /** The last position touched, inclusive. */
  readonly end: number;
  readonly learnedTo: Marks;
  readonly lock?: Lock;
  /** Rises whenever a lock is set or removed, and when one is removed that is not there (yet). */
  readonly lockTurn: number;
  /** Set while a restore fills the replica: no recovery takes it over then. */
  readonly restoreId?: string;
  /** The newest configuration of the log that a coordinator has come with: an older one is refused from then on. */
  readonly configuration: number;
}

export type Value =
  | { readonly type: 'NOP'; readonly tombstone?: true }
  | { readonly type: 'APPEND'; readonly data: Uint8Array; readonly requestId: string; readonly index: number }
  | { readonly type: 'TRUNCATE'; readonly to: number; readonly requestId: string };

/** A replica's state at one position: a promise, perhaps a value performed under a ballot, perhaps learned. */
export interface Action {
  readonly position: number;
  readonly promised: number;
  readonly promisedBy: string;
  readonly performed?: number;
  readonly performedBy?: string;
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

export interface Entry {
  readonly position: number;
  readonly value: Value;
}

export interface WriteRequest extends Ballot {
  readonly view: string;
  /** Consecutive positions, ascending; stored all or none. */
  readonly entries: readonly Entry[];
  /** The highest position that this ballot is known to have chosen: becomes the mark of the ballot. */
  readonly learnedTo?: readonly [from: number, to: number];
  /** Fills settle what was sent already, so a state lock does not hold them. */
  readonly fill?: true;
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

export type WriteAnswer =
  | { readonly verdict: 'ACCEPT' }
  /** Nothing was stored: these positions are settled. */
  | { readonly verdict: 'LEARNED'; readonly actions: readonly LearnedAction[] }
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

export type Moved = { readonly moved: boolean; readonly meta: Meta };

/** Positions as this replica knows them, holes left out; `learned` says what is learned, by mark or by itself. */
export interface Range {
  readonly meta: Meta;
  /** The last position that was looked at: of those after it the answer says nothing, not even that they are holes. */
  readonly to: number;
  readonly actions: readonly Action[];
}

/**
 * Entry data after which a range ends early: as much as one append may carry. Three pages of DynamoDB, one after the
 * other, come within `answerMs` from any Region; 64 entries of 256 KiB would be sixteen, and too much for a partition
 * that several read.
 */
export const rangeBytes = 2 * 1024 * 1024;

export function dataBytes({ value }: Action): number {
  return value?.type === 'APPEND' ? value.data.length : 0;
}

/**
 * One replica of one log, for a coordinator that follows one configuration. Every method is one atomic request and may
 * be sent again without harm. Throws `UnreachableError` when no answer came: the request may have taken effect. Throws
 * `StaleConfigurationError` once the replica follows a newer configuration; only `learn`, `unlock` and `discard` work
 * all the same.
 */
export interface Replica {
  readonly id: string;
  read(): Promise<Meta>;
  promise(request: PromiseRequest): Promise<PromiseAnswer>;
  promiseAt(request: PositionPromiseRequest): Promise<PositionPromiseAnswer>;
  write(request: WriteRequest): Promise<WriteAnswer>;
  learn(actions: readonly LearnedAction[]): Promise<LearnAnswer>;
  /** The positions `from` to `to`. Ends earlier, but not before `from`, once it has some `rangeBytes` of entries. */
  range(from: number, to: number): Promise<Range>;
  /** Gives a replica without a usable record a fresh one: EMPTY, with a new incarnation. Returns the current record. */
  create(fresh: { incarnation: string; view: string }): Promise<Meta>;
  transition(expected: Expected, change: Change): Promise<Moved>;
  /** Makes a replica that this restore holds EMPTY again, once its positions are discarded. */
  empty(request: EmptyRequest): Promise<Moved>;
  /** Changes the view if the replica votes; the answer is read from that same update. */
  replaceView(view: string): Promise<Moved>;
  lock(request: LockRequest): Promise<Moved>;
  unlock(lockId: string): Promise<Moved>;
  /** Deletes up to `limit` positions below `begin`; answers whether more are left. */
  discard(limit: number): Promise<{ discarded: number; more: boolean }>;
}

export function ballotKey(number: number, by: string): string {
  return `${number}.${by}`;
}

/** Everything up to this position is chosen, as far as this replica was told. */
export function settledOf(meta: Meta): number {
  return Object.values(meta.learnedTo).reduce((settled, [, to]) => Math.max(settled, to), meta.begin - 1);
}

export function isLearned(meta: Meta, action: Action): action is LearnedAction {
  if (action.learned) return true;
  if (action.performed === undefined) return false;
  const mark = meta.learnedTo[ballotKey(action.performed, action.performedBy ?? '')];
  return mark !== undefined && mark[0] <= action.position && action.position <= mark[1];
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
  end: 0,
  learnedTo: {},
  lockTurn: 0,
  configuration: 0,
};

export function sameValue(one: Value, other: Value): boolean {
  if (one.type === 'NOP') return other.type === 'NOP' && one.tombstone === other.tombstone;
  if (one.type === 'TRUNCATE')
    return other.type === 'TRUNCATE' && one.to === other.to && one.requestId === other.requestId;
  return (
    other.type === 'APPEND' &&
    one.requestId === other.requestId &&
    one.index === other.index &&
    one.data.length === other.data.length &&
    one.data.every((byte, at) => byte === other.data[at])
  );
}
