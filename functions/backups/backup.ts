/**
 * A backup's record and the rules that depend on the record alone. Pure: no SDK, no clock.
 *
 * INITIATING → TRANSITIONING → RUNNING → VERIFYING → COMPLETED | FAILED; only the verification writes COMPLETED. An
 * attempt is one worker's try: what an older attempt reports changes nothing.
 */
import type * as z from 'zod/mini';
import type { backupOptions } from '../../api/operations/backups.ts';
import type { Cut } from '../../log/protocol/cut.ts';

export type BackupState = 'INITIATING' | 'TRANSITIONING' | 'RUNNING' | 'VERIFYING' | 'COMPLETED' | 'FAILED';
export type BackupOptions = z.output<typeof backupOptions>;
export type Verdict = 'continue' | 'cancelled' | 'superseded';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export interface Refusal {
  readonly worker: string;
  readonly reason: string;
}

/** Whole seconds of at least one, as the workflow takes them. */
export interface Timeouts {
  readonly answerSeconds: number;
  readonly abandonSeconds: number;
  /** How long an attempt may run in all. */
  readonly runSeconds: number;
  /** Between two tries of the cut: what did not hold still may settle. */
  readonly cutPauseSeconds: number;
}

/** A worker's report on its attempt. */
export interface Progress {
  /** Rises with every heartbeat; a lower one changes nothing. */
  readonly sequence: number;
  readonly state: 'TRANSITIONING' | 'RUNNING';
  readonly entryCount: number;
  readonly bytes: number;
  readonly position?: Cut | undefined;
}

export interface Finished {
  readonly uri: string;
  readonly entryCount: number;
  readonly bytes: number;
  readonly manifestSha256: string;
}

/** Where the parts of the group that a cut fixed are kept, next to the files of its attempt. */
export interface CutContents {
  /** Of the try: what an earlier one has put is never read. */
  readonly token: string;
  /** How many objects of jobs there are. */
  readonly files: number;
  /** Signs the cursors of the pages, so that nobody who is served can invent one; shown to nobody. */
  readonly key: string;
}

/**
 * The status of a backup, all instants in epoch ms. It lives in the main table and survives any leader, worker or
 * function.
 */
export interface BackupRecord {
  readonly group: string;
  readonly backupId: string;
  readonly requestId: string;
  readonly state: BackupState;
  readonly options: BackupOptions;
  /** The workflow's timeouts: the same as long as it runs, or starting it twice would not start it once. */
  readonly timeouts: Timeouts;
  /** Rises with every worker that is asked; 0 before the first. */
  readonly attempt: number;
  readonly worker?: string | undefined;
  readonly host?: string | undefined;
  /** Of the worker's process; a restart under the same name is another. */
  readonly instanceId?: string | undefined;
  /** Whether the attempt is that of the built-in worker. */
  readonly builtIn?: boolean | undefined;
  /** When the attempt began, epoch ms. */
  readonly attemptAt?: number | undefined;
  /** How often the cut of this attempt has failed. */
  readonly failedCuts?: number | undefined;
  /** Why the attempt's worker gave up, or that it said goodbye. */
  readonly gaveUp?: Failure | undefined;
  /** SHA-256 of what the attempt's worker proves itself with. */
  readonly secretHash?: string | undefined;
  /** Of the workflow's running task, which heartbeats keep alive; never shown to anybody. */
  readonly taskToken?: string | undefined;
  /** Of the last heartbeat of the attempt. */
  readonly sequence: number;
  readonly lastSignAt: number;
  readonly uri?: string | undefined;
  readonly manifestSha256?: string | undefined;
  readonly cut?: Cut | undefined;
  /** How long writers were held back while the cut was placed, at most, ms. */
  readonly pausedMs?: number | undefined;
  /** Where what the cut has fixed is kept. */
  readonly contents?: CutContents | undefined;
  /** The digest over all lines that the attempt was served, once it was served all. */
  readonly served?: string | undefined;
  readonly entryCount: number;
  readonly bytes: number;
  readonly startedAt: number;
  readonly stateSince: number;
  readonly endedAt?: number | undefined;
  /** Milliseconds spent in the states before this one. */
  readonly phases: Readonly<Partial<Record<BackupState, number>>>;
  readonly error?: Failure | undefined;
  readonly refusals: readonly Refusal[];
  readonly sharedWith: readonly string[];
  /** Where the group was when the schedule asked for it. */
  readonly slot?: number | undefined;
}

type Begun = Pick<BackupRecord, 'group' | 'backupId' | 'requestId' | 'options' | 'timeouts' | 'slot'>;

/** The record of a backup that begins now. */
export const begunRecord = (begun: Begun, now: number): BackupRecord => ({
  ...begun,
  state: 'INITIATING',
  attempt: 0,
  sequence: 0,
  lastSignAt: now,
  entryCount: 0,
  bytes: 0,
  startedAt: now,
  stateSince: now,
  phases: {},
  refusals: [],
  sharedWith: [],
});

export const isFinal = ({ state }: BackupRecord): boolean => state === 'COMPLETED' || state === 'FAILED';

/** The record in another state; the time spent in the one before is added up. */
export function enterState(record: BackupRecord, state: BackupState, now: number): BackupRecord {
  if (record.state === state) return record;
  const spent = (record.phases[record.state] ?? 0) + Math.max(0, now - record.stateSince);
  const final = state === 'COMPLETED' || state === 'FAILED';
  return {
    ...record,
    state,
    stateSince: now,
    phases: { ...record.phases, [record.state]: spent },
    ...(final ? { endedAt: now } : {}),
  };
}

export interface AttemptProof {
  readonly attempt: number;
  readonly secretHash: string;
}

/** The verdict for an attempt: continue, the backup was cancelled, or the attempt was superseded. */
export function verdictFor(record: BackupRecord, { attempt, secretHash }: AttemptProof): Verdict {
  if (record.attempt !== attempt || record.secretHash !== secretHash) return 'superseded';
  if (record.state !== 'FAILED') return 'continue';
  return record.error?.code === 'cancelled' ? 'cancelled' : 'superseded';
}

/**
 * Whether what an attempt has written belongs to no backup: it was passed over, or the backup failed in it. Where the
 * record still knows the attempt's secret, it must be this one.
 */
export function leftFiles(record: BackupRecord, { attempt, secretHash }: AttemptProof): boolean {
  if (record.attempt !== attempt) return attempt < record.attempt;
  return record.state === 'FAILED' && (record.secretHash ?? secretHash) === secretHash;
}
