import { describe, expect, test } from 'vitest';
import { maxRound, pack, versionOf } from '../../../api/ballot.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import { lockAll, unlockAll } from '../../../log/protocol/lock.ts';
import type { LockRequest, MetaOutcome } from '../../../log/protocol/replica.ts';
import { appendAs, calmly, electWriter, memoryOf } from '../../support/log/calm-log.ts';

describe('an election', () => {
  test('of a fresh log fills position 0', () =>
    calmly({}, async ({ parts, replicas }) => {
      expect(await electWriter(parts, 3)).toMatchObject({ first: 1, next: 1, settled: 0 });
      for (const { actions } of replicas)
        expect(actions.get(0)).toMatchObject({ learned: true, value: { type: 'NOP' } });
    }));

  test('is lost for good to a newer version, and won against every older one', () =>
    calmly({}, async ({ parts }) => {
      const newer = await electWriter(parts, 5);
      expect(await elect(parts, 4)).toEqual({ lost: newer.number, final: true });
      expect(versionOf((await electWriter(parts, 6)).number)).toBe(6);
    }));

  test('names the replicas when fewer than a quorum vote, instead of hanging', () =>
    calmly({}, async ({ parts, replicas, down }) => {
      replicas[1]?.wipe();
      down.add(2);
      expect(await elect(parts, 0)).toEqual({
        notRecovered: { voting: 1, quorum: 2, statuses: ['VOTING', 'EMPTY', 'UNREACHABLE'] },
      });
    }));

  test('ends with a terminal answer when the version has no round left', () =>
    calmly({}, async ({ parts, replicas }) => {
      const last = { number: pack(2, maxRound), by: 'rival', forget: [] };
      for (const { handle, inForce } of replicas) handle.promise({ ...last, view: inForce.view });
      expect(await elect(parts, 2)).toEqual({ exhausted: pack(2, maxRound) });
      expect(versionOf((await electWriter(parts, 3)).number)).toBe(3);
    }));

  test('settles what a writer sent to one replica only', () =>
    calmly({}, async ({ parts, down, replicas }) => {
      const writer = await electWriter(parts);
      down.add(1).add(2);
      expect(await appendAs(parts, writer, 'half')).toEqual({ outcomeUnknown: true });
      down.clear();
      const next = await electWriter(parts);
      expect(next.first).toBe(2);
      for (const { actions } of replicas) expect(actions.get(1)).toMatchObject({ learned: true });
    }));
});

describe('an append', () => {
  test('continues with any quorum, whichever replica is down', async () => {
    for (const place of [0, 1, 2]) {
      await calmly({}, async ({ parts, down }) => {
        const writer = await electWriter(parts);
        down.add(place);
        expect(await appendAs(parts, writer, 'a', { count: 3 })).toEqual({ first: 1, last: 3 });
      });
    }
  });

  test('of a deposed writer is refused, also when it is a repetition', () =>
    calmly({}, async ({ parts }) => {
      const old = await electWriter(parts, 1);
      const memory = memoryOf(old);
      await appendAs(parts, old, 'a', { memory });
      await electWriter(parts, 2);
      expect(await appendAs(parts, old, 'b', { memory })).toEqual({ notElected: true });
      expect(await appendAs(parts, old, 'a', { memory })).toEqual({ notElected: true });
    }));

  test('that is repeated gets the same positions, also after an election', () =>
    calmly({}, async ({ parts, replicas }) => {
      const writer = await electWriter(parts);
      const answer = await appendAs(parts, writer, 'a', { count: 2 });
      expect(await appendAs(parts, writer, 'a', { count: 2 })).toEqual(answer);
      const next = await electWriter(parts);
      expect(await appendAs(parts, next, 'a', { count: 2 })).toEqual(answer);
      expect(replicas[0]?.inForce.end).toBe(2);
    }));

  test('whose positions were filled is placed anew, once', () =>
    calmly({}, async ({ parts, down, replicas }) => {
      const writer = await electWriter(parts);
      down.add(0).add(1).add(2);
      expect(await appendAs(parts, writer, 'a')).toEqual({ outcomeUnknown: true });
      down.clear();
      const next = await electWriter(parts);
      expect(await appendAs(parts, next, 'a')).toEqual({ first: 2, last: 2 });
      expect(await appendAs(parts, next, 'a')).toEqual({ first: 2, last: 2 });
      expect(replicas[0]?.actions.get(1)?.value).toEqual({ type: 'NOP' });
    }));

  test('whose answers were lost is not written twice', () =>
    calmly({}, async ({ parts, mute, replicas }) => {
      const writer = await electWriter(parts);
      for (const place of [0, 1, 2]) mute.add(`${place} accept`);
      expect(await appendAs(parts, writer, 'a')).toEqual({ outcomeUnknown: true });
      mute.clear();
      const next = await electWriter(parts);
      expect(await appendAs(parts, next, 'a')).toEqual({ first: 1, last: 1 });
      expect(replicas.map(({ inForce }) => inForce.end)).toEqual([1, 1, 1]);
    }));

  test('settles positions that another process was handed and abandoned', () =>
    calmly({}, async ({ parts, sequencer: store, replicas, world }) => {
      const writer = await electWriter(parts);
      const taken = store.read();
      if (!taken) throw new Error('no writer');
      const requestId = 'abandoned';
      store.put({ ...taken, revision: taken.revision + 1, next: 3, recent: [{ requestId, count: 2 }] });
      world.now += 3_000;
      const memory = memoryOf();
      expect(await appendAs(parts, writer, 'a', { memory })).toEqual({ first: 3, last: 3 });
      expect(await appendAs(parts, writer, 'b', { memory })).toEqual({ first: 4, last: 4 });
      expect(store.read()).toMatchObject({ settled: 3, regularFrom: 3 });
      expect(replicas[0]?.actions.get(1)).toMatchObject({ learned: true, value: { type: 'NOP', count: 2 } });
    }));

  test('is held while the log is locked, continues afterwards, and the writer stays elected', () =>
    calmly({}, async ({ parts }) => {
      const writer = await electWriter(parts);
      await appendAs(parts, writer, 'a');
      expect(await lockAll(parts, 'backup')).toMatchObject({ end: 1 });
      expect(await appendAs(parts, writer, 'b')).toMatchObject({ stateLocked: { lockId: 'backup' } });
      await unlockAll(parts, 'backup');
      expect(await appendAs(parts, writer, 'b')).toEqual({ first: 2, last: 2 });
      expect(await appendAs(parts, writer, 'c')).toEqual({ first: 3, last: 3 });
    }));

  test('is not held on a replica that was locked late, after the unlock', () =>
    calmly({}, async ({ parts, replicas }) => {
      const writer = await electWriter(parts);
      let arrive = () => {};
      const arrival = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      const late: Promise<MetaOutcome>[] = [];
      const held = parts.replicas.map((replica, at) => {
        const lock = (request: LockRequest) => {
          const answer = at < 2 ? replica.lock(request) : arrival.then(() => replica.lock(request));
          late.push(answer);
          return answer;
        };
        return { ...replica, lock };
      });
      const cut = await lockAll({ ...parts, replicas: held }, 'backup');
      expect(cut).toMatchObject({ locked: ['1', '2'] });
      await unlockAll(parts, 'backup');
      arrive();
      await Promise.all(late);
      expect(await appendAs(parts, writer, 'a')).toEqual({ first: 1, last: 1 });
      await parts.timer.sleep(100);
      expect(replicas.map(({ inForce }) => inForce.end)).toEqual([1, 1, 1]);
    }));

  test('removes a lock that was forgotten', () =>
    calmly({}, async ({ parts, world }) => {
      const writer = await electWriter(parts);
      await lockAll(parts, 'backup');
      world.now += 6_000;
      expect(await appendAs(parts, writer, 'a')).toHaveProperty('stateLocked');
      expect(await appendAs(parts, writer, 'a')).toHaveProperty('first');
    }));
});
