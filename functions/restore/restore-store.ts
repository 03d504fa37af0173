import type { VerifierState } from '../../archive/verifier.ts';
import type { SeededLog } from '../../log/protocol/seed.ts';
import type { Failure } from '../backups/backup.ts';
import type { Job } from '../jobs/job.ts';

export interface RestoreSource {
  readonly bucket: string;
  /** Ends with a slash. */
  readonly prefix: string;
}

export type RestoreState = 'VERIFYING' | 'RESTORING' | 'COMPLETED' | 'FAILED' | 'ABANDONING' | 'ABANDONED';

/** All instants in epoch ms. */
export interface RestoreRecord {
  readonly group: string;
  readonly restoreId: string;
  /** Of the request that began it. */
  readonly requestId?: string | undefined;
  readonly source: RestoreSource;
  readonly state: RestoreState;
  /** Of the backup, once its manifest was read. */
  readonly entryCount: number;
  readonly restoredEntries: number;
  readonly startedAt: number;
  readonly endedAt?: number | undefined;
  readonly error?: Failure | undefined;
  /** Of the manifest that was verified: another one under the same name is refused. */
  readonly manifestSha256: string;
  readonly verifier: VerifierState;
  /** The next file of entries. */
  readonly file: number;
  /** How many entries of it are restored. */
  readonly fileEntries: number;
  /** State carried over from the previous entries. */
  readonly openLog?: SeededLog | undefined;
  /** Logs that are held and wait for the end. */
  readonly logs: readonly string[];
  /** The fencing version that the group continues from. */
  readonly version?: number | undefined;
  /**
   * The name under which the logs are held: that of the first restore, where this one continues another that failed.
   */
  readonly heldAs?: string | undefined;
  /** Rises with every execution of the workflow: the name of one that has ended is taken. */
  readonly execution: number;
}

export interface StoredRestore {
  readonly record: RestoreRecord;
  readonly revision: number;
}

/** The port to restores; every method is one request, but for the end of one that owns nothing. */
export interface RestoreStore {
  /** False when there is one of that id. */
  begin(record: RestoreRecord): Promise<boolean>;
  /** Strongly consistent. */
  read(group: string, restoreId: string): Promise<StoredRestore | undefined>;
  /** Undefined when the record has changed since it was read. */
  replace(seen: StoredRestore, next: RestoreRecord): Promise<StoredRestore | undefined>;
  /**
   * The last state of a restore, and with it the end of its ownership: the group can be led from then on. Both or
   * neither, so that no group is in use while its restore is still running. Undefined when the record has changed since
   * it was read.
   */
  end(seen: StoredRestore, last: RestoreRecord): Promise<StoredRestore | undefined>;
  /** Restores that have not ended, over all groups. */
  listOpen(): Promise<{ group: string; restoreId: string }[]>;
  /** Whether the group has a job. */
  hasJobs(group: string): Promise<boolean>;
  /**
   * Puts the group's leadership record, owned by the restore, if there is none; contenders are refused from then on.
   * `over`: or if that restore owns it, which did not finish, or was the last to own it, and is as it was seen: not
   * being undone by now. False when there is another record.
   */
  own(group: string, restoreId: string, version: number, over: StoredRestore | undefined): Promise<boolean>;
  /** No-op when the job exists. `ttl` in epoch seconds. */
  putJob(job: Job, ttl: number | undefined): Promise<void>;
  /** Up to a hundred jobs of the group. Strongly consistent. */
  listJobs(group: string): Promise<string[]>;
  removeJobs(group: string, jobIds: readonly string[], now: number): Promise<void>;
}
