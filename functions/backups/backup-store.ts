import type { BackupRecord } from './backup.ts';

export interface BackupName {
  readonly group: string;
  readonly backupId: string;
}

/** One try at a backup, by one worker. */
export interface AttemptName extends BackupName {
  readonly attempt: number;
}

/** A record with the revision that a change of it is conditioned on. */
export interface Stored {
  readonly record: BackupRecord;
  readonly revision: number;
}

export type Begun =
  | { readonly kind: 'begun'; readonly stored: Stored }
  /** The request has begun this one before. */
  | { readonly kind: 'earlier'; readonly backupId: string }
  /** The group has another one in progress. */
  | { readonly kind: 'running'; readonly backupId: string };

export interface Removed {
  /** Epoch ms. */
  readonly removedAt: number;
  readonly requestId: string;
}

/** The backup port. Every write is one request, conditioned on the revision that it was decided on. */
export interface BackupStore {
  /** Puts a new backup unless the group has one in progress, or the request has begun one already. */
  begin(record: BackupRecord): Promise<Begun>;
  /** Strongly consistent. */
  read(group: string, backupId: string): Promise<Stored | undefined>;
  /** False when the record has changed since it was read. */
  replace(seen: Stored, next: BackupRecord): Promise<boolean>;
  /** Puts a final record, frees the group for the next backup and notes that there is to clean up: all or nothing. */
  settle(seen: Stored, final: BackupRecord): Promise<boolean>;
  /**
   * Removes the record and notes that its files are to be deleted: all or nothing. False when it has changed since it
   * was read.
   */
  remove(seen: Stored, now: number, requestId: string): Promise<boolean>;
  /** The remains of a deleted backup: kept for a week, and for a year where a worker's disk may still hold it. */
  readRemoved(group: string, backupId: string): Promise<Removed | undefined>;
  /** The backup that the request has begun, if any. */
  begunBy(group: string, requestId: string): Promise<string | undefined>;
  readRunning(group: string): Promise<string | undefined>;
  /** How many backups the group keeps; stops counting at `most`. */
  count(group: string, most: number): Promise<number>;
  /** Newest first. */
  list(
    group: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ items: (Stored & BackupName)[]; last?: string | undefined }>;
  /** Backups in progress, of all groups, in pages. */
  listRunning(after: string | undefined): Promise<NamePage>;
  /** The target of a backup that was removed, while there is to clean up after it. */
  removedTarget(name: BackupName): Promise<string | undefined>;
  /** Ended backups that have left things behind, of all groups, in pages. */
  listCleanUps(after: string | undefined): Promise<NamePage>;
  /** Ends the note, unless the backup has been removed since it was seen `there`: its files are to be deleted then. */
  cleanedUp(name: BackupName, seen: 'there' | 'removed', now: number): Promise<void>;
}

export interface NamePage {
  readonly items: readonly BackupName[];
  /** Where the next page continues. */
  readonly last?: string | undefined;
}
