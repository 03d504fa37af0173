import { expect, test } from 'vitest';
import { sweep } from '../../../functions/log/lambda/sweep.ts';
import { logger } from '../../../functions/platform/logging.ts';
import { firstConfiguration } from '../../../log/protocol/configuration.ts';
import { UnreachableError } from '../../../log/protocol/quorum.ts';
import type { NotedReplica } from '../../../log/replica-watch.ts';
import { appendAs, calmly, electWriter } from '../../support/log/calm-log.ts';

logger.setLogLevel('SILENT');

type Room = Parameters<typeof sweep>[0];

const plenty = { discards: false, remainingMs: () => 55_000 };

/** Logs of which all but `broken` are one log in memory; whatever is asked about that one fails with the error. */
function roomOf(parts: ReturnType<Room['partsOf']>, logs: readonly string[], broken?: { log: string; error: Error }) {
  const started: string[] = [];
  const noted: string[] = [];
  const room = {
    partsOf: () => parts,
    registry: {
      async *listAll() {
        for (const log of logs) yield { group: 'orders', log };
      },
      async read(group: string, log: string) {
        if (log === broken?.log) throw broken.error;
        return { group, log, autoInitialize: true, createdAt: 1, configuration: firstConfiguration([]) };
      },
    },
    notes: {
      read: async () => new Map<string, NotedReplica>(),
      write: async (name: { log: string }, replica: string, _: unknown, { status }: NotedReplica) =>
        void noted.push(`${name.log} ${replica} ${status}`),
    },
    workflow: {
      start: async (name: { log: string; replica: string }) => void started.push(`${name.log} ${name.replica}`),
    },
  };
  return { room: room as unknown as Room, started, noted };
}

test.each([
  ['cannot be reached', new UnreachableError('down')],
  ['is throttled', Object.assign(new Error('slow down'), { name: 'ThrottlingException' })],
  ['says what nobody expects', new TypeError('not a function')],
])('a log whose store %s holds up no other', (_, error) =>
  calmly({}, async ({ parts, replicas }) => {
    replicas[2]?.wipe();
    const { room, started, noted } = roomOf(parts, ['a', 'b', 'c'], { log: 'b', error });
    expect(await sweep(room, plenty)).toMatchObject({ logs: 2, notVoting: 2, started: 2, failed: 1, left: 0 });
    expect(started.sort()).toEqual(['a 3', 'c 3']);
    expect(noted.filter((one) => one.startsWith('a')).sort()).toEqual(['a 1 VOTING', 'a 2 VOTING', 'a 3 EMPTY']);
  }),
);

test("a replica's status is noted although its recovery cannot be started", () =>
  calmly({}, async ({ parts, replicas }) => {
    replicas[2]?.wipe();
    const { room, noted } = roomOf(parts, ['a']);
    Object.assign(room.workflow, { start: () => Promise.reject(new Error('throttled')) });
    expect(await sweep(room, plenty)).toMatchObject({ notVoting: 1, started: 0, failed: 1 });
    expect(noted).toContain('a 3 EMPTY');
  }));

test('a replica that a restore holds is neither missed nor recovered', () =>
  calmly({}, async ({ parts, replicas }) => {
    const held = replicas[2]?.handle;
    if (!held) throw new Error('no replica');
    const { incarnation } = await held.read();
    held.transition({ incarnation, status: 'VOTING' }, { status: 'RECOVERING', restoreId: 'restore' });
    const { room, noted } = roomOf(parts, ['a']);
    expect(await sweep(room, plenty)).toMatchObject({ notVoting: 0, started: 0, failed: 0 });
    expect(noted).toContain('a 3 RECOVERING');
  }));

test('a lock that somebody has forgotten on a replica is removed, one that may be in use is not', () =>
  calmly({}, async ({ parts, replicas }) => {
    const [first, second] = replicas.map(({ handle }) => handle);
    if (!first || !second) throw new Error('no replicas');
    for (const [handle, age] of [
      [first, parts.settings.lockMs + 1],
      [second, 0],
    ] as const) {
      const { view, lockTurn: turn } = await handle.read();
      handle.lock({ lockId: `lock-${age}`, at: parts.timer.now() - age, view, turn });
    }
    const { room } = roomOf(parts, ['a']);
    expect(await sweep(room, plenty)).toMatchObject({ failed: 0 });
    expect(replicas.map(({ inForce }) => inForce.lock?.lockId)).toEqual([undefined, 'lock-0', undefined]);
  }));

test('it ends before its time does, tells what is left, and begins elsewhere the next time', () =>
  calmly({}, async ({ parts }) => {
    const logs = Array.from({ length: 100 }, (_, at) => `log-${at}`);
    const looked = new Set<string>();
    for (let minutes = 0; looked.size < logs.length; minutes += 1) {
      expect(minutes).toBeLessThan(100);
      const { room, noted } = roomOf(parts, logs);
      let asked = 0;
      const remainingMs = () => (asked++ < 30 ? 55_000 : 1_000);
      expect(await sweep(room, { discards: false, remainingMs })).toMatchObject({ logs: 30, left: 70 });
      for (const one of noted) looked.add(one.split(' ')[0] ?? '');
    }
  }));

test('a voting replica that lags is caught up without a write, once nothing is on its way any more', () =>
  calmly({}, async ({ parts, down, replicas, world }) => {
    const writer = await electWriter(parts);
    down.add(2);
    await appendAs(parts, writer, 'a', { count: 3 });
    down.clear();
    const { room, started } = roomOf(parts, ['a']);
    expect(await sweep(room, plenty)).toMatchObject({ notVoting: 0, repaired: 0 });
    world.now += 3_000;
    const plans: unknown[] = [];
    Object.assign(room.workflow, { start: async ({ plan }: { plan: unknown }) => void plans.push(plan) });
    expect(await sweep(room, plenty)).toMatchObject({ notVoting: 0, repaired: 1 });
    expect(started).toEqual([]);
    const { incarnation, end } = replicas[2]?.inForce ?? expect.fail('no replica');
    expect(plans).toEqual([{ incarnation, ranges: [{ from: end, to: 3, fillTo: 0 }] }]);
  }));
