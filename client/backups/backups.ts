import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Manifest, manifestName } from '../../api/archive.ts';
import { readApplication } from '../../archive/application.ts';
import { digestOfFile, folderFiles, makeFolder } from '../../archive/folder.ts';

import { DamagedError, openManifest, verifyArchive } from '../../archive/verifier.ts';
import { downloadFile } from '../jobs/download-file.ts';
import type { S3 } from '../jobs/s3.ts';
import type { TenureClient } from '../tenure-client.ts';
import { hasCode, TenureError } from '../tenure-error.ts';
import { type BackupFile, BackupFiles } from './backup-files.ts';

/** Whose backups are read, and how. */
export interface BackupsOptions {
  readonly client: TenureClient;
  /** The group that took the backup, or one with which its owner shared it. */
  readonly group: string;
  /** How bytes are read from S3. @defaultValue HTTP requests to the presigned URLs */
  readonly s3?: S3;
}

/** How a backup is read. */
export interface ReadBackupOptions {
  /** Ends the call; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** How a backup is downloaded. */
export interface DownloadBackupOptions extends ReadBackupOptions {
  /** Called after every file with the number of files so far. */
  readonly onProgress?: (files: number) => void;
}

/**
 * Reads the backups of a group that lie in S3.
 *
 * @example
 * ```ts
 * import { Backups, TenureClient } from 'tenure';
 *
 * const backups = new Backups({ client: new TenureClient(), group: 'orders' });
 * for await (const value of backups.readApplication('01a20f26-c392-7745-b7bb-df8bdc9537a1')) {
 *   console.log(value);
 * }
 * ```
 */
export class Backups {
  readonly #options: BackupsOptions;

  constructor(options: BackupsOptions) {
    this.#options = options;
  }

  /**
   * Returns what the `snapshot` of the backup's worker yielded, in the same order: JSON values as they were, bytes as
   * Uint8Array (a long one in several pieces). Digests are verified while reading: values count only once the iteration
   * has ended without an error.
   *
   * @throws TenureError `not_found`, `source_forbidden`, `backup_not_available`, `backup_damaged`, `transfer_failed`.
   */
  async *readApplication(backupId: string, options: ReadBackupOptions = {}): AsyncGenerator<unknown> {
    const files = this.#files(backupId, options);
    try {
      const { manifest } = await openManifest(files);
      yield* readApplication(files, manifest);
    } catch (error) {
      throw asDamage(error, `Backup ${backupId}`);
    }
  }

  /**
   * Downloads a backup into a folder, the manifest last, and verifies it there. Files of an earlier try that match
   * their digest are kept. Returns the manifest.
   *
   * @throws TenureError as `readApplication`, and `folder_in_use` when the folder holds another backup.
   */
  async download(backupId: string, folder: string, options: DownloadBackupOptions = {}): Promise<Manifest> {
    const files = this.#files(backupId, options);
    let manifest: BackupFile | undefined;
    let done = 0;
    try {
      for await (const file of files.list()) {
        if (file.name === manifestName) {
          manifest = file;
          await refuseAnother(folder, file);
          continue;
        }
        await save(files, file, folder);
        done += 1;
        options.onProgress?.(done);
      }
      // Without its manifest, what an interrupted download leaves is no backup.
      if (manifest) await save(files, manifest, folder);
      return await verifyArchive(folderFiles(folder));
    } catch (error) {
      throw asDamage(error, `Backup ${backupId} in ${folder}`);
    }
  }

  #files(backupId: string, { signal }: ReadBackupOptions): BackupFiles {
    const { client, group, s3 } = this.#options;
    return new BackupFiles({ client, group, backupId, s3, signal });
  }
}

/**
 * Returns what the `snapshot` of a worker yielded, from a folder with the files of the backup: see
 * `Backups.readApplication`.
 *
 * @throws TenureError `backup_damaged`.
 *
 * @example
 * ```ts
 * import { readLocalApplication } from 'tenure';
 *
 * for await (const value of readLocalApplication('backups/orders/01a20f26-c392-7745-b7bb-df8bdc9537a1/1')) {
 *   console.log(value);
 * }
 * ```
 */
export async function* readLocalApplication(folder: string): AsyncGenerator<unknown> {
  const files = folderFiles(folder);
  try {
    const { manifest } = await openManifest(files);
    yield* readApplication(files, manifest);
  } catch (error) {
    throw asDamage(error, `The backup in ${folder}`);
  }
}

async function save(files: BackupFiles, file: BackupFile, folder: string): Promise<void> {
  const path = join(folder, file.name);
  await makeFolder(dirname(path));
  if (await isThere(path, file)) return;
  await downloadFile(file, path, files.downloadOptions(file));
}

async function isThere(path: string, { bytes, sha256 }: BackupFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && found.size === bytes && (await digestOfFile(path)) === sha256;
}

async function refuseAnother(folder: string, manifest: BackupFile): Promise<void> {
  const path = join(folder, manifestName);
  const found = await stat(path).catch(() => undefined);
  if (!found || (await isThere(path, manifest))) return;
  throw new TenureError(`${folder} holds another backup: its ${manifestName} differs. Give an empty folder.`, {
    code: 'folder_in_use',
    status: 0,
    retryable: false,
    request: `download into ${folder}`,
  });
}

function asDamage(error: unknown, what: string): unknown {
  if (!(error instanceof DamagedError) && !hasCode(error, 'payload_damaged')) return error;
  return new TenureError(
    `${what} is damaged: ${error.message}. Use another backup.`,
    { code: 'backup_damaged', status: 422, retryable: false, request: what },
    { cause: error },
  );
}
