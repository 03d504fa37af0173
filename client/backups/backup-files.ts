/** The files of a backup that the service keeps, read by presigned URLs. */
import type * as z from 'zod/mini';
import { listBackupFiles } from '../../api/operations/backups.ts';
import type { ArchiveFiles } from '../../archive/ports.ts';
import { type DownloadOptions, download } from '../jobs/download.ts';
import type { S3 } from '../jobs/s3.ts';
import type { TenureClient } from '../tenure-client.ts';

type Page = z.output<typeof listBackupFiles.answer>;

/** A file of a backup, with a URL that reads it for an hour. */
export type BackupFile = Page['items'][number];

export interface BackupFilesOptions {
  readonly client: TenureClient;
  readonly group: string;
  readonly backupId: string;
  readonly s3?: S3 | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class BackupFiles implements ArchiveFiles {
  readonly #options: BackupFilesOptions;
  /** By name; `cursor` leads to the page that lists the file, which signs its URL anew. */
  readonly #listed = new Map<string, { readonly file: BackupFile; readonly cursor: string | undefined }>();
  readonly #rest: AsyncGenerator<BackupFile>;

  constructor(options: BackupFilesOptions) {
    this.#options = options;
    this.#rest = this.list();
  }

  /** All files, the manifest first. */
  async *list(): AsyncGenerator<BackupFile> {
    let cursor: string | undefined;
    do {
      const page: Page = await this.#page(cursor);
      for (const file of page.items) {
        this.#listed.set(file.name, { file, cursor });
        yield file;
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  async open(name: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    for (let ended: boolean | undefined; !this.#listed.has(name) && !ended; ) ended = (await this.#rest.next()).done;
    const listed = this.#listed.get(name);
    return listed && download(listed.file, this.downloadOptions(listed.file));
  }

  /** With these a listed file is downloaded: when its URL has expired, another is signed. */
  downloadOptions({ name }: BackupFile): DownloadOptions {
    const { s3, signal, client } = this.#options;
    return { s3, signal, time: client.time, refresh: () => this.#signAgain(name) };
  }

  async #signAgain(name: string): Promise<BackupFile> {
    const { items } = await this.#page(this.#listed.get(name)?.cursor);
    const file = items.find((one) => one.name === name);
    if (file) return file;
    throw new Error(`The service no longer lists ${name} of backup ${this.#options.backupId}`);
  }

  #page(cursor: string | undefined): Promise<Page> {
    const { client, group, backupId, signal } = this.#options;
    const query = cursor === undefined ? {} : { cursor };
    return client.call(listBackupFiles, {
      params: { group, backup: backupId },
      query,
      ...(signal && { signal }),
    });
  }
}
