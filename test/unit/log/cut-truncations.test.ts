import { describe, expect, test } from 'vitest';
import type { GroupLogs } from '../../../log/group-logs.ts';
import { append } from '../../../log/protocol/append.ts';
import { cutLogs } from '../../../log/protocol/cut.ts';
import { lockAll, unlockAll } from '../../../log/protocol/lock.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import { UnreachableError } from '../../../log/protocol/quorum.ts';
import type { WriterRecord } from '../../../log/protocol/sequencer.ts';
import { nothingElse, placedAt } from '../../support/backups/memory-logs.ts';
import { appendAs, type CalmLog, calmly, electWriter, memoryOf } from '../../support/log/calm-log.ts';

const backupId = 'backup-1';
const held = { held: { backupId, from: 0 } };

/** A group with this one log. */
function groupOf({ parts, sequencer }: CalmLog): GroupLogs {
  const unused = () => Promise.reject(new Error('A cut does not do that'));
  return {
    list: async () => ['journal'],
    open: async () => parts,
    hold: async (_group, _log, hold) => {
      sequencer.hold = hold;
      return hold;
    },
    heldFrom: unused,
    release: unused,
    create: unused,
    forget: unused,
  };
}

const cut = (log: CalmLog, lockId = 'lock-1') => cutLogs(groupOf(log), 'orders', { backupId, lockId }, nothingElse);

const truncate = (parts: LogParts, { writerId }: WriterRecord, to: number) =>
  append(parts, memoryOf(), { writerId, requestId: 't', content: { type: 'TRUNCATE', to } });

const begins = ({ replicas }: CalmLog) => replicas.map(({ inForce }) => inForce.begin);

async function withFiveEntries(parts: LogParts): Promise<WriterRecord> {
  const writer = await electWriter(parts);
  await appendAs(parts, writer, 'five', { count: 5 });
  return writer;
}

/** A process that dies between what it writes and what it would tell the replicas of it. */
const dyingEarly = (parts: LogParts): LogParts => ({
  ...parts,
  replicas: parts.replicas.map((replica) => ({
    ...replica,
    learn: () => Promise.reject(new UnreachableError('died')),
  })),
});

describe('a truncation that was placed before the hold of a backup', () => {
  test('and told to repeat itself by a lock, takes effect before the cut, and its writer stays elected', () =>
    calmly({}, async (log) => {
      const { parts, sequencer: store } = log;
      const writer = await withFiveEntries(parts);
      await lockAll(parts, 'other');
      expect(await truncate(parts, writer, 3)).toHaveProperty('stateLocked');
      await unlockAll(parts, 'other');
      // The replicas that refused to accept it hold it staged, so that a fill of its slot finds it.
      expect(await cut(log)).toEqual({ kind: 'again', again: 'log "journal": truncated while the cut was placed' });
      expect(await cut(log, 'lock-2')).toEqual(placedAt({ journal: 6 }));
      expect(await truncate(parts, writer, 3)).toEqual({ first: 6, last: 6 });
      expect(begins(log)).toEqual([3, 3, 3]);
      expect(await appendAs(parts, writer, 'next')).toHaveProperty('first');
      expect(await truncate(parts, writer, 3)).toHaveProperty('first');
      expect(store.record?.closed).toBe(false);
    }));

  test('is brought to its end by a repetition before the cut, which then begins behind it', () =>
    calmly({}, async (log) => {
      const { parts, sequencer: store } = log;
      const writer = await withFiveEntries(parts);
      await lockAll(parts, 'other');
      await truncate(parts, writer, 3);
      await unlockAll(parts, 'other');
      store.hold = held.held;
      expect(await truncate(parts, writer, 3)).toEqual({ first: 6, last: 6 });
      expect(store.record?.closed).toBe(false);
      expect(await cut(log)).toEqual(placedAt({ journal: 6 }));
    }));

  test('and is written by a slow process after the unlock, does not take effect', () =>
    calmly({}, async (log) => {
      const { parts } = log;
      const writer = await withFiveEntries(parts);
      let wake = () => {};
      const awake = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const slow = {
        ...parts,
        replicas: parts.replicas.map((replica) => ({
          ...replica,
          accept: async (request: Parameters<typeof replica.accept>[0]) => {
            await awake;
            return replica.accept(request);
          },
          stage: async (request: Parameters<typeof replica.stage>[0]) => {
            await awake;
            return replica.stage(request);
          },
        })),
      };
      const late = truncate(slow, writer, 3);
      await parts.timer.sleep(100);
      expect(await cut(log)).toEqual(placedAt({ journal: 5 }));
      wake();
      expect(await late).toEqual(held);
      expect(begins(log)).toEqual([0, 0, 0]);
    }));

  test('and is chosen, but not applied since its writer died, is applied before the cut', () =>
    calmly({}, async (log) => {
      const { parts } = log;
      const writer = await withFiveEntries(parts);
      expect(await truncate(dyingEarly(parts), writer, 3)).toEqual({ outcomeUnknown: true });
      expect(begins(log)).toEqual([0, 0, 0]);
      expect(await cut(log)).toEqual({ kind: 'again', again: 'log "journal": truncated while the cut was placed' });
      expect(await cut(log, 'lock-2')).toEqual(placedAt({ journal: 6 }));
      expect(await truncate(parts, writer, 3)).toEqual({ first: 6, last: 6 });
      expect(begins(log)).toEqual([3, 3, 3]);
    }));

  test.each([
    { by: 'the next election', settle: (parts: LogParts) => electWriter(parts) },
    {
      by: 'the next appends',
      settle: async (parts: LogParts, writer: WriterRecord) => {
        await parts.timer.sleep(3_000);
        const memory = memoryOf();
        await appendAs(parts, writer, 'settles', { memory });
        await appendAs(parts, writer, 'says so', { memory });
      },
    },
  ])('and is chosen, but not applied since its writer died, is applied when it is settled by $by', ({ settle }) =>
    calmly({}, async (log) => {
      const { parts, sequencer: store } = log;
      const writer = await withFiveEntries(parts);
      await truncate(dyingEarly(parts), writer, 3);
      await settle(parts, writer);
      expect(store.record?.settled).toBeGreaterThanOrEqual(6);
      expect(begins(log)).toEqual([3, 3, 3]);
    }),
  );
});
