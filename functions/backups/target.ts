/** Where the files of a backup go: to the deployment's own bucket, or to the target that its request named. */
import { invalidRequest, ProblemError } from '../../api/problem.ts';
import { targetForbidden } from '../../api/problems/backups.ts';
import type { BackupOptions } from './backup.ts';

export type Target =
  | { readonly kind: 'own' }
  /** `prefix` ends with a slash. */
  | { readonly kind: 'bucket'; readonly bucket: string; readonly prefix: string }
  /** On the disk of the worker that takes the backup. */
  | { readonly kind: 'folder'; readonly folder: string };

const address = /^s3:\/\/([^/]+)\/(.+)$/;
const filePrefix = 'file://';

export function targetOf({ target }: Pick<BackupOptions, 'target'>): Target {
  if (target === undefined) return { kind: 'own' };
  if (target.startsWith(filePrefix)) {
    return { kind: 'folder', folder: target.slice(filePrefix.length).replace(/\/+$/, '') };
  }
  const [, bucket = '', prefix = ''] = address.exec(target) ?? [];
  return { kind: 'bucket', bucket, prefix: withSlash(prefix) };
}

const withSlash = (prefix: string): string => (prefix.endsWith('/') ? prefix : `${prefix}/`);

/** The settings that decide. */
export interface Allowing {
  readonly backupTargets?: readonly string[];
  readonly delegation?: 'on' | 'off';
}

/**
 * Throws `target_forbidden` for a bucket that the deployment does not list, and for a folder where no worker may take
 * backups.
 */
export function refuseForbiddenTarget(
  { backupTargets = [], delegation }: Allowing,
  wished: Pick<BackupOptions, 'target'>,
): void {
  const target = targetOf(wished);
  switch (target.kind) {
    case 'own':
      return;
    case 'folder':
      if (delegation !== 'off') return;
      throw new ProblemError(
        targetForbidden,
        `${wished.target} is a folder of a worker, and this deployment asks no worker for backups (delegation=off).`,
      );
    case 'bucket': {
      const place = `s3://${target.bucket}/${target.prefix}`;
      if (backupTargets.some((listed) => place.startsWith(withSlash(listed)))) return;
      const listed = backupTargets.length === 0 ? 'which is empty' : `which lists ${backupTargets.join(', ')}`;
      throw new ProblemError(
        targetForbidden,
        `${place} does not lie below a prefix of the setting backupTargets, ${listed}.`,
      );
    }
    default:
      target satisfies never;
  }
}

/** Throws `invalid_request` for options that contradict the target. */
function refuseContradiction(target: Target, { bypassDelegation, allowLeader, localFileSystem }: BackupOptions): void {
  const forFolder = bypassDelegation ? 'bypassDelegation' : allowLeader ? 'allowLeader' : undefined;
  const forBucket = localFileSystem ? 'localFileSystem' : undefined;
  const option = target.kind === 'folder' ? forFolder : target.kind === 'bucket' ? forBucket : undefined;
  if (option === undefined) return;
  const message =
    target.kind === 'folder'
      ? `is a folder of a worker: leave ${option} out, since the built-in worker has no disk`
      : `is a bucket: leave ${option} out`;
  throw new ProblemError(invalidRequest, `The target ${message}.`, { issues: [{ path: 'target', message }] });
}

/** The options as the record keeps them: a folder of the worker is on its own disk. */
export function settledOptions(settings: Allowing, wished: BackupOptions): BackupOptions {
  const target = targetOf(wished);
  refuseContradiction(target, wished);
  refuseForbiddenTarget(settings, wished);
  return {
    ...wished,
    bypassDelegation: wished.bypassDelegation || settings.delegation === 'off',
    localFileSystem: wished.localFileSystem || target.kind === 'folder',
  };
}
