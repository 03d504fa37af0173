/**
 * The ports of an archive: its source, its target and its files. Each port has one implementation in the service and
 * one in the client.
 */
import type { ArchiveEntry, PayloadFile, UnreadablePayload } from '../api/archive.ts';
import type { ReferredPayload } from './format.ts';

/**
 * Entries that stay together, and where the source continues after them. The cursor is JSON that only the source reads.
 */
export interface Batch {
  readonly entries: readonly ArchiveEntry[];
  readonly after: unknown;
}

/**
 * Where the entries come from, in the order of the archive: the term, jobs with their checkpoints, logs, the
 * application's own.
 */
export interface ArchiveSource {
  /** From the beginning, or after the batch whose cursor it was. */
  batches(after: unknown): AsyncIterable<Batch>;
}

export type Copied = { readonly file: PayloadFile } | { readonly unreadable: UnreadablePayload };

/** Where the files go. Every method may be repeated. */
export interface ArchiveTarget {
  /** Puts a small file. */
  put(name: string, bytes: Uint8Array, sha256: string): Promise<void>;
  /**
   * Takes a payload into the archive, with its digest checked; one that differs from what the job says is reported, not
   * thrown.
   */
  copy(payload: ReferredPayload): Promise<Copied>;
}

/** The files of an existing archive. */
export interface ArchiveFiles {
  /** Undefined when there is no such file. Each call reads it from its beginning. */
  open(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** Lines of an archive, and where the next page begins; the cursor is opaque and stays good over restarts. */
export interface ArchivePage {
  readonly entries: readonly ArchiveEntry[];
  readonly nextCursor?: string | undefined;
}
