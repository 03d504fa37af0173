/**
 * The workflow's ports to the cut and to archives. A bound one of each is made by `attempt/group-cut.ts` and
 * `attempt/archives.ts`.
 */
import type { ReferredPayload } from '../../archive/format.ts';
import type { ArchivePage, Copied } from '../../archive/ports.ts';
import type { Cut } from '../../log/protocol/cut.ts';
import type { BackupRecord, CutContents, Finished, Progress, Verdict } from './backup.ts';
import type { AttemptName, BackupName } from './backup-store.ts';
import type { PlacedAttempt } from './bucket/archive-place.ts';

export type GroupCutOutcome =
  | {
      readonly kind: 'cut';
      readonly cut: Cut;
      /** Where what the cut has fixed of the jobs is kept. */
      readonly contents: CutContents;
      /** How long writers were held back at most. */
      readonly pausedMs: number;
    }
  | { readonly kind: 'again'; readonly again: string };

export interface Cutter {
  /** Where each log of the group ends now. */
  positions(group: string): Promise<Cut>;
  /**
   * Fixes the cut of an attempt, anew each time: from then on nothing that the backup will read is truncated or
   * deleted. A hold that another backup left behind is taken over, since only one is in progress; a backup that is no
   * longer the one in progress holds nothing back. `again` says why it failed this time.
   */
  cut(name: AttemptName): Promise<GroupCutOutcome>;
  /** Ends what the backup held back; can be repeated. */
  release(group: string, backupId: string): Promise<void>;
}

export type Verification =
  | { readonly kind: 'intact'; readonly entryCount: number; readonly bytes: number }
  | { readonly kind: 'damaged'; readonly why: string }
  /** Not through yet: continue with this cursor. */
  | { readonly kind: 'more'; readonly cursor: string };

export interface ArchiveFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Reads it for an hour. */
  readonly url: string;
}

export interface FilePage {
  readonly items: readonly ArchiveFile[];
  /** Whether there are files after these. */
  readonly more: boolean;
}

export interface Slice {
  /** Stop working after this, ms, and answer `more`. */
  readonly budgetMs: number;
  /** Tells the record of the progress; once the verdict is not `continue`, stop and answer `more`. */
  report(progress: Omit<Progress, 'sequence'>): Promise<Verdict>;
}

/** A backup whose files go, with the target of its request. */
export interface Discarded extends BackupName {
  readonly target: string | undefined;
}

/** The outcome of a slice of the built-in worker. */
export type Worked = { readonly kind: 'finished'; readonly finished: Finished } | { readonly kind: 'more' };

export interface Archives {
  /** The address of an attempt's files: `s3://bucket/backups/group/id/attempt/`, or below the backup's target. */
  uri(attempt: PlacedAttempt): string;
  /** The required content of an attempt's archive, one JSON object for each line, from the record's cut. */
  page(record: BackupRecord, cursor: string | undefined): Promise<ArchivePage>;
  /** Allows to write these very files below the attempt's prefix. */
  sign(
    attempt: PlacedAttempt,
    files: readonly { name: string; bytes: number; sha256: string }[],
  ): Promise<{ name: string; url: string; headers: Record<string, string> }[]>;
  /** Copies payloads inside S3, in order, until the budget is used; `resume` continues in the middle of a large one. */
  copyPayloads(
    attempt: PlacedAttempt,
    payloads: readonly ReferredPayload[],
    resume: string | undefined,
    budgetMs: number,
  ): Promise<{ copied: Copied[]; resume?: string | undefined }>;
  /** Where a worker with a disk of its own can read payloads for a while. */
  signPayloads(group: string, payloads: readonly ReferredPayload[]): Promise<string[]>;
  /** One slice of the built-in worker; it continues where the previous one stopped, in whichever process that was. */
  work(record: BackupRecord, slice: Slice): Promise<Worked>;
  /** Whether everything that the record's finish names is there and as it says. */
  verify(record: BackupRecord, cursor: string | undefined, budgetMs: number): Promise<Verification>;
  /** The files of a completed archive with presigned URLs, the manifest first; `from` counts files. */
  files(record: BackupRecord, from: number, limit: number): Promise<FilePage>;
  /**
   * Deletes the files of an attempt, or of all attempts, the manifest first; can be repeated. Throws `OutOfTimeError`
   * once it may not continue.
   */
  discard(backup: Discarded, attempt?: number, goOn?: () => boolean): Promise<void>;
}
