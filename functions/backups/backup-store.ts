import type { BackupRecord } from './backup.ts';

/** A record with the revision that a change of it is conditioned on. */
export interface Stored {
  readonly record: BackupRecord;
  readonly revision: number;
}

export type Begun = { readonly begun: Stored } | { readonly earlier: string } | { readonly running: string };

/** The backup port. Every write is one request, conditioned on the revision that it was decided on. */
export interface BackupStore {
  /** Puts a new backup unless the group has one in progress, or the request has begun one already. */
  begin(record: BackupRecord): Promise<Begun>;
  /** Strongly consistent. */
  read(group: string, backupId: string): Promise<Stored | undefined>;
  /** False when the record has changed since it was read. */
  replace(seen: Stored, next: BackupRecord): Promise<boolean>;
  /** Puts a final record and frees the group for the next backup, both or none. */
  settle(seen: Stored, final: BackupRecord): Promise<boolean>;
  remove(seen: Stored): Promise<boolean>;
  /** The backup that the request has begun, if any. */
  begunBy(group: string, requestId: string): Promise<string | undefined>;
  running(group: string): Promise<string | undefined>;
  /** Newest first. */
  list(
    group: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ items: Stored[]; last?: string | undefined }>;
  /** Groups with a backup in progress, in pages. */
  listRunning(
    after: string | undefined,
  ): Promise<{ items: { group: string; backupId: string }[]; last?: string | undefined }>;
}
