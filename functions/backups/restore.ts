/**
 * Restoring a backup into an empty group.
 *
 *   verify every file ─ own the group's leadership record ─ jobs and logs, file by file ─ let the logs vote ─ give the record free
 *   nothing is written  └ from here on contenders are refused with group_restoring
 *
 * Each step can be repeated: whoever comes next reads the record and goes on with the file at which it stands. What was put is put
 * only where nothing is, so that a step that comes late changes nothing.
 */

import type { LeaseStore } from '../leadership/lease-store.ts';
import { maxVersion } from '../log/ballot.ts';
import { instant } from '../platform/clock.ts';
import { Problem } from '../platform/problem.ts';
import type { Manifest } from './archive-format.ts';
import { Damaged, openManifest, payloadsAtOnce, verificationStart, verifyNext } from './archive-verifier.ts';
import { bucketFiles, thoroughCheck } from './bucket-files.ts';
import { uuidFrom } from './derived-id.ts';
import type { GroupLogs } from './group-logs.ts';
import { OutOfTime } from './local.ts';
import { backupDamaged, groupNotEmpty } from './problems.ts';
import type { LaunchRestore } from './restore-client.ts';
import { type Applying, applyFile } from './restore-files.ts';
import { completeLog, LogInUse, releaseLog } from './restore-logs.ts';
import { type SourceParts, sourceOf } from './restore-source.ts';
import type { RestoreRecord, RestoreStore, StoredRestore } from './restore-store.ts';

export interface Restores extends Applying, Omit<SourceParts, 'bucketName'> {
  readonly leases: Pick<LeaseStore, 'read' | 'highestVersion'>;
  readonly restores: RestoreStore;
  readonly logs: GroupLogs;
}

/** What the functions have that start the steps; a step itself cannot. */
export type WithLaunch = Restores & { readonly launch: LaunchRestore };

export interface RestoreRequest {
  readonly group: string;
  readonly backupId?: string | undefined;
  readonly uri?: string | undefined;
  readonly requestId: string;
}

/** The version goes on so far above the highest that is known: terms may have followed the cut. */
const versionGap = 100_000;

/** Read within the request, so that it can answer at once that a payload is damaged. */
const bytesInRequest = 64 * 1024 ** 2;

/**
 * Verifies as much of the backup as the budget allows, then begins its restore. The same request again gets the same restore.
 * Throws `not_found`, `source_forbidden`, `group_not_empty` or `backup_damaged`; nothing was written then.
 */
export async function startRestore(
  room: WithLaunch,
  request: RestoreRequest,
  budgetMs: number,
): Promise<RestoreRecord> {
  const { group, requestId } = request;
  const restoreId = uuidFrom('restore', group, requestId);
  const earlier = await room.restores.read(group, restoreId);
  if (earlier) {
    if (!isOver(earlier.record)) await room.launch(group, restoreId);
    return earlier.record;
  }
  const source = await sourceOf(room, group, request);
  await refuseUnlessEmpty(room, group, source.prefix);
  const opened = await openManifest(filesOf(room, source)).catch(refuseDamage);
  const record: RestoreRecord = {
    group,
    restoreId,
    source,
    state: 'VERIFYING',
    entryCount: opened.manifest.counts.entries,
    restoredEntries: 0,
    startedAt: room.clock.now(),
    manifestSha256: opened.sha256,
    verifier: verificationStart,
    file: 0,
    logs: [],
  };
  const until = room.clock.now() + budgetMs;
  const verified = await verifySome(room, record, opened.manifest, until, bytesInRequest).catch(refuseDamage);
  await room.restores.begin(verified);
  await room.launch(group, restoreId);
  return verified;
}

function refuseDamage(error: unknown): never {
  if (!(error instanceof Damaged)) throw error;
  throw new Problem(backupDamaged, `The backup is not intact: ${error.message}; nothing was written.`);
}

const filesOf = ({ bucket }: Restores, { bucket: name, prefix }: RestoreRecord['source']) =>
  bucketFiles(bucket, { bucket: name, key: prefix });

export const isOver = ({ state }: RestoreRecord) => state === 'COMPLETED' || state === 'FAILED';

async function refuseUnlessEmpty(room: Restores, group: string, prefix: string): Promise<void> {
  const leadership = await room.leases.read(group, true);
  const owner = leadership?.restoring;
  if (leadership && owner === undefined)
    throw notEmpty(group, `its leadership record has version ${leadership.fencingVersion}`);
  if (owner !== undefined) {
    const other = await room.restores.read(group, owner);
    // One that failed half-way is gone on with by a new restore of the same backup.
    if (other?.record.state === 'FAILED' && other.record.source.prefix === prefix) return;
    throw notEmpty(group, `restore ${owner} owns it`);
  }
  if (await room.restores.hasJobs(group)) throw notEmpty(group, 'it has jobs');
  const [log] = await room.logs.list(group);
  if (log !== undefined) throw notEmpty(group, `it has log "${log}"`);
}

function notEmpty(group: string, why: string): Problem {
  return new Problem(groupNotEmpty, `Group "${group}" is not empty: ${why}; nothing was written.`);
}

/** Files of entries are a few MiB, payloads may be large: `payloadBytes` bounds what is begun at once. */
async function verifySome(
  room: Restores,
  record: RestoreRecord,
  manifest: Manifest,
  until: number,
  payloadBytes = Number.POSITIVE_INFINITY,
) {
  const { source } = record;
  const files = filesOf(room, source);
  const check = thoroughCheck(room.bucket, { bucket: source.bucket, key: source.prefix });
  let { verifier } = record;
  for (let done = false; !done; ) {
    if (room.clock.now() >= until || nextBytes(manifest, verifier) > payloadBytes) return { ...record, verifier };
    ({ state: verifier, done } = await verifyNext(files, manifest, verifier, check));
  }
  return { ...record, verifier, state: 'RESTORING' as const };
}

function nextBytes({ files, payloads }: Manifest, { file, payload }: RestoreRecord['verifier']): number {
  if (file < files.length) return 0;
  return payloads.slice(payload, payload + payloadsAtOnce).reduce((sum, { bytes }) => sum + bytes, 0);
}

export interface Stepped {
  readonly over: boolean;
  /** The time was over before anything could be noted: it needs more. */
  readonly stood: boolean;
}

/** One step of a restore, for as long as the budget allows. */
export async function stepRestore(
  room: Restores,
  group: string,
  restoreId: string,
  budgetMs: number,
): Promise<Stepped> {
  const until = room.clock.now() + budgetMs;
  let stored = await room.restores.read(group, restoreId);
  let stood = true;
  try {
    while (stored && !isOver(stored.record) && room.clock.now() < until) {
      stored = await save(room, stored, await advance(room, stored.record, until));
      stood = false;
    }
  } catch (error) {
    if (error instanceof OutOfTime) return { over: false, stood };
    const failure = failureOf(error);
    if (!failure || !stored) throw error;
    const failed = { ...stored.record, state: 'FAILED' as const, endedAt: room.clock.now(), error: failure };
    // Should another process have gone on with it meanwhile, it is the one to end it.
    return { over: (await room.restores.replace(stored, failed)) !== undefined, stood: false };
  }
  return { over: stored === undefined || isOver(stored.record), stood: false };
}

async function save({ restores }: Restores, stored: StoredRestore, next: RestoreRecord) {
  return (await restores.replace(stored, next)) ?? (await restores.read(next.group, next.restoreId));
}

function failureOf(error: unknown) {
  if (error instanceof Damaged) return { code: 'backup_damaged', message: error.message };
  if (error instanceof LogInUse) return { code: 'group_not_empty', message: error.message };
  return error instanceof Problem ? { code: error.code, message: error.detail } : undefined;
}

async function advance(room: Restores, record: RestoreRecord, until: number): Promise<RestoreRecord> {
  const { manifest, sha256 } = await openManifest(filesOf(room, record.source));
  if (sha256 !== record.manifestSha256) throw new Damaged('the manifest is another one than when the restore began');
  if (record.state === 'VERIFYING') return verifySome(room, record, manifest, until);
  if (record.version === undefined) return own(room, record);
  const file = manifest.files[record.file];
  if (file) return applyFile(room, record, manifest, file, until);
  return finish(room, record);
}

/** The first write: nobody leads the group from here to the end. */
async function own(room: Restores, record: RestoreRecord): Promise<RestoreRecord> {
  const { group, restoreId, source, verifier } = record;
  const leadership = await room.leases.read(group, true);
  if (leadership?.restoring !== restoreId) await refuseUnlessEmpty(room, group, source.prefix);
  const known = Math.max(verifier.highestVersion, await room.leases.highestVersion(group));
  const version = known + versionGap;
  if (version > maxVersion) {
    throw new Damaged(`fencing version ${known} leaves no room for ${versionGap} more below ${maxVersion}`);
  }
  if (!(await room.restores.own(group, restoreId, version, leadership?.restoring))) {
    throw notEmpty(group, 'it was used meanwhile');
  }
  return { ...record, version };
}

async function finish(room: Restores, record: RestoreRecord): Promise<RestoreRecord> {
  const { group, restoreId, openLog, logs, startedAt } = record;
  if (openLog) await completeLog(room.logs.open(group, openLog.log), openLog);
  for (const log of logs) await releaseLog(room.logs.open(group, log), restoreId, startedAt);
  await room.restores.disown(group, restoreId);
  return { ...record, openLog: undefined, state: 'COMPLETED', endedAt: room.clock.now() };
}

/** Ends a restore whose steps failed for good; a new restore of the same backup goes on with it. */
export async function giveUp(
  { restores, clock }: Pick<Restores, 'restores' | 'clock'>,
  group: string,
  restoreId: string,
  message: string,
): Promise<void> {
  const stored = await restores.read(group, restoreId);
  if (!stored || isOver(stored.record)) return;
  const error = { code: 'internal', message };
  if (await restores.replace(stored, { ...stored.record, state: 'FAILED', endedAt: clock.now(), error })) return;
  await giveUp({ restores, clock }, group, restoreId, message);
}

/** Starts what was recorded and not started, and gives up what was started and stands still. Run every minute. */
export async function reviveRestores(room: WithLaunch): Promise<void> {
  for (const { group, restoreId } of await room.restores.listOpen()) {
    if ((await room.launch(group, restoreId)) === 'running') continue;
    await giveUp(room, group, restoreId, `Its workflow no longer runs; look at execution ${restoreId}`);
  }
}

/** A restore as callers see it. */
export function shownRestore(record: RestoreRecord) {
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
