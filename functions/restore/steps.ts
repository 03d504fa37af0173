/** The steps of a restore, each in whatever process comes next. */
import { maxVersion } from '../../api/ballot.ts';
import { DamagedError, openManifest } from '../../archive/verifier.ts';
import { completeLog, releaseLog } from '../../log/protocol/seed.ts';
import { retryConflicts } from '../../store/retry-conflicts.ts';
import type { Failure } from '../backups/backup.ts';
import { OutOfTimeError } from '../backups/worker/built-in-worker.ts';
import { logger } from '../platform/logging.ts';
import { abandon, undo } from './abandon.ts';
import { notEmpty, predecessorIn } from './empty-group.ts';
import { failureOf } from './failure.ts';
import { applyFile, type Note, type Pace } from './files.ts';
import { isOver, type Launching, mostTries, type Restores } from './restore.ts';
import type { RestoreRecord, StoredRestore } from './restore-store.ts';
import { filesOf, verifySome } from './verification.ts';

/** The version continues so far above the highest that is known: terms may have followed the cut. */
const versionGap = 100_000;

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
  const { clock, restores } = room;
  const until = clock.now() + budgetMs;
  let stored = await restores.read(group, restoreId);
  let stood = true;
  let opened: Opened | undefined;
  // Once for all the files of a step: a large group's manifest has many megabytes.
  const manifestOf = ({ source }: RestoreRecord): Opened => {
    opened ??= openManifest(filesOf(room, source));
    return opened;
  };
  const note: Note = async (next) => {
    const noted = stored && (await (isOver(next) ? restores.end(stored, next) : restores.replace(stored, next)));
    // Another process continues it, or it is to be abandoned: the next step looks at it anew.
    if (!noted) throw new OutOfTimeError();
    stored = noted;
    stood = false;
    if (clock.now() >= until && !isOver(next)) throw new OutOfTimeError();
  };
  const step = { note, until, manifestOf };
  try {
    while (stored && !isOver(stored.record)) await note(await advance(room, stored.record, step));
    return { over: true, stood };
  } catch (error) {
    if (error instanceof OutOfTimeError) return { over: false, stood };
    const failure = failureOf(error);
    if (!failure || !stored) throw error;
    // Should another process have gone on with it meanwhile, it is the one to end it.
    return { over: await failed(room, stored, failure), stood: false };
  }
}

type Opened = ReturnType<typeof openManifest>;
type Step = Pace & { readonly manifestOf: (record: RestoreRecord) => Opened };

async function advance(room: Restores, record: RestoreRecord, step: Step): Promise<RestoreRecord> {
  const { until } = step;
  if (record.state === 'ABANDONING') return undo(room, record, until);
  const { manifest, sha256 } = await step.manifestOf(record);
  if (sha256 !== record.manifestSha256)
    throw new DamagedError('the manifest is another one than when the restore began');
  if (record.state === 'VERIFYING') return verifySome(room, record, manifest, until);
  if (record.version === undefined) return own(room, record);
  const file = manifest.files[record.file];
  if (file) return applyFile(room, record, manifest, file, step);
  return finish(room, record);
}

/** The first write: nobody leads the group from here to the end. */
async function own(room: Restores, record: RestoreRecord): Promise<RestoreRecord> {
  const { group, restoreId, verifier } = record;
  const leadership = await room.leases.read(group, true);
  const mine = leadership?.restoring === restoreId;
  const before = mine ? undefined : await predecessorIn(room, group, record);
  const known = Math.max(verifier.highestVersion, await room.leases.highestVersion(group));
  const version = known + versionGap;
  if (version > maxVersion) {
    throw new DamagedError(`fencing version ${known} leaves no room for ${versionGap} more below ${maxVersion}`);
  }
  // Noted before it is owned, so that it is known whatever becomes of this process.
  if (record.heldAs === undefined) return { ...record, heldAs: restoreId, ...(before && progressOf(before.record)) };
  if (!(await room.restores.own(group, restoreId, version, before))) {
    throw notEmpty(group, 'it was used meanwhile');
  }
  return { ...record, version };
}

/** The part that a failed restore of the same backup already put: continued under the name that holds its logs. */
function progressOf(before: RestoreRecord): Partial<RestoreRecord> {
  if (before.state !== 'FAILED') return {};
  const { heldAs = before.restoreId, file, fileEntries, restoredEntries, openLog, logs } = before;
  return { heldAs, file, fileEntries, restoredEntries, openLog, logs };
}

async function finish(room: Restores, record: RestoreRecord): Promise<RestoreRecord> {
  const { group, restoreId, heldAs = restoreId, openLog, logs, startedAt } = record;
  if (openLog) await completeLog(await room.logs.open(group, openLog.log), openLog);
  for (const log of logs) await releaseLog(await room.logs.open(group, log), heldAs, startedAt);
  return { ...record, openLog: undefined, state: 'COMPLETED', endedAt: room.clock.now() };
}

type Ending = Pick<Restores, 'restores' | 'clock'>;

/** Ends a restore whose steps failed for good; a new restore of the same backup continues it. */
export async function giveUp(room: Ending, group: string, restoreId: string, message: string): Promise<void> {
  await retryConflicts<undefined>({ tries: mostTries, of: `restore ${restoreId}` }, async () => {
    const stored = await room.restores.read(group, restoreId);
    const isDone = !stored || isOver(stored.record) || (await failed(room, stored, internal(message)));
    return isDone ? { kind: 'done', value: undefined } : { kind: 'conflict' };
  });
}

const internal = (message: string): Failure => ({ code: 'internal', message });

/** False when the record has changed since it was read. */
async function failed({ restores, clock }: Ending, stored: StoredRestore, error: Failure): Promise<boolean> {
  const noted = await restores.replace(stored, { ...stored.record, state: 'FAILED', endedAt: clock.now(), error });
  return noted !== undefined;
}

/**
 * Starts what was recorded and not started, and gives up what was started and stands still; an undoing continues, since
 * nobody can use the group before that is done. One that fails holds up no other. Run every minute.
 */
export async function reviveRestores(room: Launching & Ending): Promise<void> {
  for (const { group, restoreId } of await room.restores.listOpen()) {
    try {
      await revive(room, group, restoreId);
    } catch (error) {
      logger.error('A restore could not be revived', { group, restoreId, error: error as Error });
    }
  }
}

async function revive(room: Launching & Ending, group: string, restoreId: string): Promise<void> {
  const stored = await room.restores.read(group, restoreId);
  if (!stored || isOver(stored.record) || (await room.launch(stored.record)) === 'running') return;
  if (stored.record.state === 'ABANDONING') await abandon(room, group, restoreId);
  // One that was abandoned meanwhile has changed, and runs again.
  else await failed(room, stored, internal('Its workflow no longer runs; look at its execution'));
}
