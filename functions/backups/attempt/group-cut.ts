/** The cut of an attempt with all that it holds back, and the end of the hold. Binds the workflow's port. */
import { type HeldDeletes, releaseDeletes } from '../../jobs/payloads/held-deletes.ts';
import type { PayloadStore } from '../../jobs/payloads/payload-store.ts';
import type { GroupLogs } from '../../log/group-logs.ts';
import { cutLogs } from '../../log/protocol/cut.ts';
import { positions } from '../../log/protocol/reader.ts';
import type { Clock } from '../../platform/clock.ts';
import type { BackupStore } from '../backup-store.ts';
import type { Cutting } from '../ports.ts';

export interface CuttingParts {
  readonly logs: GroupLogs;
  readonly held: HeldDeletes;
  readonly store: Pick<BackupStore, 'running'>;
  readonly payloads: PayloadStore;
  readonly clock: Clock;
  /** Names a lock: another one for each try. */
  readonly newId: () => string;
}

export function cutting(parts: CuttingParts): Cutting {
  const { logs, held, store, newId } = parts;

  const release = async (group: string, backupId: string) => {
    for (const log of await logs.list(group)) await logs.release(group, log, backupId);
    await releaseDeletes(parts, group, backupId);
  };

  return {
    async positions(group) {
      const names = await logs.list(group);
      const ends = await Promise.all(names.map(async (log) => (await positions(logs.open(group, log))).end));
      return Object.fromEntries(names.map((log, at) => [log, ends[at] ?? 0]));
    },

    async cut({ group, backupId, attempt }) {
      const isRunning = async () => (await store.running(group)) === backupId;
      try {
        while (!(await held.hold(group, backupId))) {
          const other = await held.heldBy(group);
          if (!(await isRunning())) return { again: `backup ${other} holds group "${group}"` };
          if (other !== undefined && other !== backupId) await release(group, other);
        }
        const lockId = `${backupId}-${attempt}-${newId()}`;
        return await cutLogs(takingOver(logs, isRunning), group, { backupId, lockId });
      } finally {
        // The clean-up may have passed already: what came after it nobody else would let go.
        if (!(await isRunning())) await release(group, backupId);
      }
    },

    release,
  };
}

/**
 * Logs whose hold takes the place of one that another backup has left behind. Whose hold was seen before this backup was seen running has
 * ended for good, since only one is in progress.
 */
function takingOver(logs: GroupLogs, isRunning: () => Promise<boolean>): GroupLogs {
  return {
    ...logs,
    async hold(group, log, hold) {
      for (;;) {
        const standing = await logs.hold(group, log, hold);
        if (standing.backupId === hold.backupId || !(await isRunning())) return standing;
        await logs.release(group, log, standing.backupId);
      }
    },
  };
}
