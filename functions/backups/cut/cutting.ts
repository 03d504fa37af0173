/** The cut of an attempt with all that it holds back, and the end of the hold. Binds the workflow's port. */
import { type HeldDeletes, releaseDeletes } from '../../checkpoints/held-deletes.ts';
import type { PayloadStore } from '../../jobs/payload-store.ts';
import { positions } from '../../log/reader.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Cutting } from '../ports.ts';
import { cutLogs } from './cut.ts';
import type { GroupLogs } from './group-logs.ts';

export interface CuttingParts {
  readonly logs: GroupLogs;
  readonly held: HeldDeletes;
  readonly payloads: PayloadStore;
  readonly clock: Clock;
  /** Names a lock: another one for each try. */
  readonly newId: () => string;
}

export function cutting(parts: CuttingParts): Cutting {
  const { logs, held, newId } = parts;

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
      while (!(await held.hold(group, backupId))) {
        const other = await held.heldBy(group);
        if (other !== undefined) await release(group, other);
      }
      return cutLogs(logs, group, { backupId, lockId: `${backupId}-${attempt}-${newId()}` });
    },

    release,
  };
}
