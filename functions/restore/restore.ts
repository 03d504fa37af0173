/**
 * Restoring a backup into an empty group.
 *
 *   verify every file ─ own the group's leadership record ─ jobs and logs, file by file ─ let the logs vote ─ give the record free
 *   nothing is written  └ from here on contenders are refused with group_restoring
 *
 * Each step can be repeated: the next run reads the record and continues where it stands. Records already put are put
 * only where nothing is, so that a step that comes late changes nothing.
 */

import { ProblemError } from '../../api/problem.ts';
import { backupDamaged } from '../../api/problems/backups.ts';
import { DamagedError, openManifest, verificationStart } from '../../archive/verifier.ts';
import { instant } from '../../store/clock.ts';
import { keyOf, refuseReusedKey } from '../../store/idempotency.ts';
import { isUnavailable } from '../../store/store-errors.ts';
import { uuidFrom } from '../backups/derived-id.ts';
import { type Emptiness, predecessorIn } from './empty-group.ts';
import type { Applying } from './files.ts';
import type { LaunchRestore } from './restore-client.ts';
import type { RestoreRecord } from './restore-store.ts';
import { type SourceParts, sourceOf } from './source.ts';
import { filesOf, verifySome } from './verification.ts';

export interface Restores extends Applying, Emptiness, Omit<SourceParts, 'bucketName'> {}

/** Dependencies of the functions that start the steps; a step itself lacks them. */
export type WithLaunch = Restores & { readonly launch: LaunchRestore };
export type Launching = Pick<WithLaunch, 'restores' | 'launch'>;

export interface RestoreRequest {
  readonly group: string;
  readonly backupId?: string | undefined;
  readonly uri?: string | undefined;
  readonly requestId: string;
}

/** Read within the request, so that it can answer at once that a payload is damaged. */
const bytesInRequest = 64 * 1024 ** 2;

/**
 * Verifies as much of the backup as the budget allows, then begins its restore. The same request again gets the same
 * restore. Throws `not_found`, `source_forbidden`, `group_not_empty` or `backup_damaged`; nothing was written then.
 */
export async function startRestore(
  room: WithLaunch,
  request: RestoreRequest,
  budgetMs: number,
): Promise<RestoreRecord> {
  const { group, requestId } = request;
  const restoreId = uuidFrom('restore', group, keyOf(requestId));
  const earlier = await room.restores.read(group, restoreId);
  if (earlier) {
    refuseReusedKey(earlier.record.requestId, requestId, `POST /v1/groups/${group}/restore`);
    if (!isOver(earlier.record)) await room.launch(earlier.record);
    return earlier.record;
  }
  const { source, manifestSha256 } = await sourceOf(room, group, request);
  const opened = await openManifest(filesOf(room, source)).catch(refuseDamage);
  if (manifestSha256 !== undefined && opened.sha256 !== manifestSha256) {
    throw new ProblemError(
      backupDamaged,
      'The manifest is another one than when the backup was completed; nothing was written.',
    );
  }
  await predecessorIn(room, group, { source, manifestSha256: opened.sha256 });
  const record: RestoreRecord = {
    group,
    restoreId,
    requestId,
    source,
    state: 'VERIFYING',
    entryCount: opened.manifest.counts.entries,
    restoredEntries: 0,
    startedAt: room.clock.now(),
    manifestSha256: opened.sha256,
    verifier: verificationStart,
    file: 0,
    fileEntries: 0,
    logs: [],
    execution: 0,
  };
  const until = room.clock.now() + budgetMs;
  const verified = await verifySome(room, record, opened.manifest, until, bytesInRequest)
    .catch((error: unknown) => {
      if (!isUnavailable(error)) throw error;
      // The steps of the restore verify it.
      return record;
    })
    .catch(refuseDamage);
  await room.restores.begin(verified);
  await room.launch(verified);
  return verified;
}

function refuseDamage(error: unknown): never {
  if (!(error instanceof DamagedError)) throw error;
  throw new ProblemError(backupDamaged, `The backup is not intact: ${error.message}; nothing was written.`);
}

/** Steps, the minute and operators change one record: each is done within a few tries. */
export const mostTries = 20;

export const isOver = ({ state }: RestoreRecord): boolean =>
  state === 'COMPLETED' || state === 'FAILED' || state === 'ABANDONED';

/** A restore as callers see it. */
export function toRestoreView(record: RestoreRecord) {
  const { restoreId, group, source, state, entryCount, restoredEntries, startedAt, endedAt, error } = record;
  return {
    restoreId,
    group,
    uri: `s3://${source.bucket}/${source.prefix}`,
    state,
    entryCount,
    restoredEntries,
    startedAt: instant(startedAt),
    ...(endedAt === undefined ? {} : { endedAt: instant(endedAt) }),
    ...(error === undefined ? {} : { error }),
  };
}
