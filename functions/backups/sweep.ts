/** The minute's sweep of backups: none stays stuck, none leaves anything behind. */
import { logger } from '../platform/logging.ts';
import { cleanUp } from './attempt/conclusion.ts';
import { isFinal } from './backup.ts';
import type { BackupName, NamePage } from './backup-store.ts';
import type { WithArchives, WithCutter, WithWorkflow } from './backups.ts';
import { inTurn } from './in-turn.ts';
import { endBackup } from './records.ts';
import { discardMs, launch } from './requests.ts';
import { OutOfTimeError } from './worker/built-in-worker.ts';

type Room = WithWorkflow & WithCutter & WithArchives;

/**
 * Starts again by name what was recorded and not started, settles what has an execution that no longer runs, cleans up
 * after what has ended, while there is time: the next minute continues. One that fails holds up no other.
 */
export async function sweep(
  room: Room,
  remainingMs: () => number = () => Number.POSITIVE_INFINITY,
): Promise<{ restarted: number; settled: number; cleaned: number; failed: number }> {
  const done = { restarted: 0, settled: 0, cleaned: 0, failed: 0 };
  const attempt = async (name: BackupName, act: () => Promise<keyof typeof done | undefined>) => {
    try {
      const what = await act();
      if (what) done[what] += 1;
    } catch (error) {
      done.failed += 1;
      logger.error('A backup could not be swept', { ...name, error: error as Error });
    }
  };
  const { store, clock } = room;
  for (const name of await all((after) => store.listRunning(after))) await attempt(name, () => revive(room, name));
  const goOn = () => remainingMs() > discardMs;
  for (const name of inTurn(await all((after) => store.listCleanUps(after)), clock.now())) {
    if (!goOn()) break;
    await attempt(name, () => cleanUpSome(room, name, goOn));
  }
  return done;
}

async function cleanUpSome(room: Room, name: BackupName, goOn: () => boolean): Promise<'cleaned' | undefined> {
  try {
    await cleanUp(room, name, goOn);
    return 'cleaned';
  } catch (error) {
    if (error instanceof OutOfTimeError) return undefined;
    throw error;
  }
}

async function revive(room: Room, name: BackupName): Promise<'restarted' | 'settled' | undefined> {
  const stored = await room.store.read(name.group, name.backupId);
  if (!stored || isFinal(stored.record)) return undefined;
  const { attempt, state } = stored.record;
  if ((await launch(room, stored.record)) === 'running') return attempt === 0 ? 'restarted' : undefined;
  const message = `Its workflow no longer runs and left it ${state} in attempt ${attempt}; look at execution ${name.backupId}`;
  const { error } = await endBackup(room, name, { code: 'workflow_ended', message });
  return error?.code === 'workflow_ended' ? 'settled' : undefined;
}

async function all(list: (after: string | undefined) => Promise<NamePage>): Promise<BackupName[]> {
  const names: BackupName[] = [];
  let after: string | undefined;
  do {
    const page = await list(after);
    names.push(...page.items);
    after = page.last;
  } while (after !== undefined);
  return names;
}
