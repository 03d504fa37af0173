/** The backups that a worker keeps on its own disk: `<folder>/<group>/<backup>/<attempt>/`. */
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod/mini';
import { manifestName } from '../../api/archive.ts';
import { backupId as backupIdSchema, type backupStatus, getBackup } from '../../api/operations/backups.ts';
import type { TenureClient } from '../tenure-client.ts';
import { hasCode } from '../tenure-error.ts';

type Status = z.output<typeof backupStatus>;

export interface LocalBackupsOptions {
  readonly client: TenureClient;
  readonly group: string;
  /** Where the backups lie. */
  readonly folder: string;
  /** Backups that this process is writing. */
  readonly isBusyWith: (backupId: string) => boolean;
  readonly signal: AbortSignal;
}

/** In one go; the next one continues. */
const mostLooks = 1_000;
const tidyEveryMs = 600_000;

export interface LocalBackupsEvents {
  onRemoved(backupId: string): void;
  onError(error: unknown): void;
}

/** Tidies a worker's disk at the start, then every ten minutes, and on demand. */
export class LocalBackups {
  readonly #options: LocalBackupsOptions;
  readonly #events: LocalBackupsEvents;
  #tidying: Promise<void> = Promise.resolve();

  constructor(options: LocalBackupsOptions, events: LocalBackupsEvents) {
    this.#options = options;
    this.#events = events;
  }

  start(): void {
    const { client, signal } = this.#options;
    if (signal.aborted) return;
    void this.tidy();
    const cancel = client.time.setTimer(tidyEveryMs, () => this.start());
    signal.addEventListener('abort', cancel, { once: true });
  }

  /** One after the other. */
  tidy(): Promise<void> {
    this.#tidying = this.#tidying.then(async () => {
      try {
        for (const backupId of await tidyLocalBackups(this.#options)) this.#events.onRemoved(backupId);
      } catch (error) {
        if (!this.#options.signal.aborted) this.#events.onError(error);
      }
    });
    return this.#tidying;
  }
}

/**
 * Removes what the service no longer knows as a backup: all of one that was deleted or failed, attempts of another
 * worker's time, and attempts without a manifest that nobody is writing. Backups that the service has never known
 * stay: they may be all that is left of a lost stage. Returns the backups of which something was removed.
 */
export async function tidyLocalBackups(options: LocalBackupsOptions): Promise<string[]> {
  const { client, group, folder, isBusyWith, signal } = options;
  const removed: string[] = [];
  const found = (await namesIn(join(folder, group))).filter((name) => backupIdSchema.safeParse(name).success);
  for (const backupId of found.slice(0, mostLooks)) {
    if (signal.aborted) break;
    if (isBusyWith(backupId)) continue;
    const verdict = await verdictOn(client, group, backupId, signal);
    if (await tidyBackup(join(folder, group, backupId), verdict)) removed.push(backupId);
  }
  return removed;
}

type Verdict =
  /** Deleted, or failed. */
  | { readonly kind: 'gone' }
  /** This attempt is the backup, or is becoming it. */
  | { readonly kind: 'kept'; readonly attempt: number }
  | { readonly kind: 'unknown' };

async function verdictOn(client: TenureClient, group: string, backup: string, signal: AbortSignal): Promise<Verdict> {
  try {
    const status: Status = await client.call(getBackup, { params: { group, backup }, signal });
    // A record that nobody can read is shown as failed, and says nothing of the files.
    if (status.error?.code === 'record_damaged') return { kind: 'unknown' };
    return status.state === 'FAILED' ? { kind: 'gone' } : { kind: 'kept', attempt: status.attempt };
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    return error.members['deletedAt'] === undefined ? { kind: 'unknown' } : { kind: 'gone' };
  }
}

async function tidyBackup(folder: string, verdict: Verdict): Promise<boolean> {
  let removedAny = false;
  for (const attempt of (await namesIn(folder)).filter((name) => /^[1-9]\d{0,3}$/.test(name))) {
    const place = join(folder, attempt);
    if (!(await isOver(place, Number(attempt), verdict))) continue;
    // Without its manifest it is no backup, whatever is left of it.
    await rm(join(place, manifestName), { force: true });
    await rm(place, { recursive: true, force: true });
    removedAny = true;
  }
  if ((await namesIn(folder)).length === 0) await rmdir(folder).catch(ignoreMissing);
  return removedAny;
}

async function isOver(place: string, attempt: number, verdict: Verdict): Promise<boolean> {
  switch (verdict.kind) {
    case 'gone':
      return true;
    case 'kept':
      return attempt !== verdict.attempt;
    case 'unknown':
      return !(await namesIn(place)).includes(manifestName);
    default:
      return verdict satisfies never;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error;
}
