import type * as z from 'zod/mini';
import * as operations from '../../api/operations/restore.ts';
import type { CallOptions } from '../request.ts';
import type { TenureClient } from '../tenure-client.ts';
import { failedError, untilEnded, type WaitOptions } from './follow.ts';
import { uploadArchive } from './upload-archive.ts';

/** A restore and how far it has come. */
export type Restore = z.output<typeof operations.restoreStatus>;

/** Where a restored backup comes from: a backup of a group, the URI of one, or a folder with its files. */
export type RestoreSource =
  | { readonly backupId: string }
  | { readonly uri: string }
  | { readonly folder: string; readonly onProgress?: (files: number, of: number) => void };

/** The service verifies the backup before it responds. */
const startWithin = { timeoutMs: 30_000, deadlineMs: 90_000 };

/**
 * Restores backups into a group that holds nothing.
 *
 * @example
 * ```ts
 * import { Restores, TenureClient } from 'tenure';
 *
 * const restores = new Restores({ client: new TenureClient(), group: 'orders-copy' });
 * const { restoreId } = await restores.start({ backupId: '01a20f26-c392-7745-b7bb-df8bdc9537a1' });
 * const { restoredEntries } = await restores.wait(restoreId);
 * console.log(restoredEntries);
 * ```
 */
export class Restores {
  readonly #client: TenureClient;
  readonly #group: string;

  constructor({ client, group }: { readonly client: TenureClient; readonly group: string }) {
    this.#client = client;
    this.#group = group;
  }

  /**
   * Begins a restore and returns its status at once; files of a folder are uploaded first.
   *
   * @throws TenureError `group_not_empty`, `backup_damaged` (nothing was written), `source_forbidden`, `not_found`.
   */
  async start(source: RestoreSource, call: CallOptions = {}): Promise<Restore> {
    const body = 'folder' in source ? { uri: await this.#upload(source, call) } : source;
    const request = { ...startWithin, ...call, params: { group: this.#group }, body };
    return this.#client.call(operations.startRestore, request);
  }

  /** @throws TenureError `not_found`. */
  get(restoreId: string, call: CallOptions = {}): Promise<Restore> {
    return this.#client.call(operations.getRestore, { ...call, params: this.#one(restoreId) });
  }

  /**
   * Gives up a restore that has not completed: the group becomes empty again. @throws TenureError `restore_completed`.
   */
  abandon(restoreId: string, call: CallOptions = {}): Promise<Restore> {
    return this.#client.call(operations.abandonRestore, { ...call, params: this.#one(restoreId) });
  }

  /**
   * Waits until the restore has completed, or was abandoned, and returns its status.
   *
   * @throws TenureError `restore_failed` with the member `restore`, `timed_out`, `not_found`.
   */
  async wait(restoreId: string, options: WaitOptions = {}): Promise<Restore> {
    const hasEnded = ({ state }: Restore) => state === 'COMPLETED' || state === 'FAILED' || state === 'ABANDONED';
    const look = (call: CallOptions) => this.get(restoreId, call);
    const restore = await untilEnded(this.#client, `Restore ${restoreId}`, look, hasEnded, options);
    if (restore.state !== 'FAILED') return restore;
    throw failedError('restore', restoreId, this.#group, restore);
  }

  #upload(source: Extract<RestoreSource, { folder: string }>, { signal }: CallOptions): Promise<string> {
    const { folder, onProgress = () => {} } = source;
    return uploadArchive({ client: this.#client, group: this.#group, folder, onProgress, ...(signal && { signal }) });
  }

  #one(restore: string): { readonly group: string; readonly restore: string } {
    return { group: this.#group, restore };
  }
}
