import type { GroupLogs } from '../../../log/group-logs.ts';
import type { LogRoom } from '../../../log/log-room.ts';
import type { Clock } from '../../../store/clock.ts';

const pageSize = 1_000;

/** The logs of a group on the log's own room. */
export function groupLogs({ registry, open, create }: LogRoom, clock: Clock): GroupLogs {
  return {
    async list(group) {
      const logs: string[] = [];
      let after: string | undefined;
      do {
        const page = await registry.list(group, after, pageSize);
        logs.push(...page.items.map(({ log }) => log));
        after = page.last;
      } while (after !== undefined);
      return logs;
    },
    open,
    hold: (group, log, hold) => registry.hold(group, log, hold),
    async heldFrom(group, log, backupId) {
      const held = await registry.readHold(group, log);
      return held?.backupId === backupId ? held.from : undefined;
    },
    release: (group, log, backupId) => registry.release(group, log, backupId),
    async create(group, log) {
      await create({ group, log, autoInitialize: false, createdAt: clock.now() });
    },
    forget: (group, log) => registry.forget(group, log, clock.now()),
  };
}
