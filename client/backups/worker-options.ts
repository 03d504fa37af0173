import { randomUUID } from 'node:crypto';
import type { S3 } from '../jobs/s3.ts';
import type { TenureClient } from '../tenure-client.ts';
import type { BackupHooks } from './hooks.ts';

/** The parts of a worker. */
export interface BackupWorkerOptions {
  readonly client: TenureClient;
  /** The group whose backups it takes, or an elector or a term of that. */
  readonly group: string | { readonly group: string };
  /**
   * Identifies this worker in the group. Must be unique: a process that registers under the name of another replaces
   * it.
   *
   * @defaultValue host name, process id and a random suffix
   */
  readonly workerId?: string;
  /** @defaultValue the name of this machine */
  readonly host?: string;
  /**
   * Folder for backups with `localFileSystem`, in `<folder>/<group>/<backup>/<attempt>/`. Of several, up to eight, a
   * backup may name one as its target; the first is for those that name none. Files of deleted or failed backups are
   * removed.
   *
   * @defaultValue none: other workers are asked for such a backup
   */
  readonly localDir?: string | readonly string[];
  /** @defaultValue none: a backup holds what Tenure knows of the group */
  readonly hooks?: BackupHooks;
  /** How bytes are written to S3. @defaultValue HTTP requests to presigned URLs */
  readonly s3?: S3;
}

/** Two workers on one host, and two runs with the same process id, are different workers. */
export function defaultWorkerId(host: string): string {
  const own = `.${process.pid}.${randomUUID().slice(0, 8)}`;
  const start = host.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'worker';
  return start.slice(0, 128 - own.length) + own;
}
