import { describe, expect, test } from 'vitest';
import { cutLogs } from '../../../log/protocol/cut.ts';
import { read } from '../../../log/protocol/reader.ts';
import type { Value } from '../../../log/protocol/replica.ts';
import { initialise, memoryLogs, memoryWriter, nothingElse, placedAt } from '../../support/backups/memory-logs.ts';
import { meetingOf } from '../../support/meeting.ts';

const group = 'orders';
const backupId = '01934567-89ab-7cde-8f01-23456789abcd';
const names = { backupId, lockId: 'lock-1' };

async function openLogs(...logs: string[]) {
  const all = memoryLogs();
  await Promise.all(logs.map((log) => initialise(all, group, log)));
  return all;
}

const slotOf = (text: string): Value => ({
  type: 'APPEND',
  requests: [{ requestId: text, count: 1 }],
  entries: [Buffer.from(text)],
});

describe('the cut', () => {
  test('is where each log ends, with everything up to it settled, and nothing stays locked', async () => {
    const logs = await openLogs('a', 'b');
    const writer = memoryWriter(logs.of(group, 'a'), 1);
    await writer.append('one', 'two', 'three');
    const answer = await cutLogs(logs, group, names, nothingElse);
    expect(answer).toEqual(placedAt({ a: 3, b: 0 }));
    for (const log of ['a', 'b']) {
      for (const { inForce } of logs.of(group, log).replicas) expect(inForce.lock).toBeUndefined();
      expect(await logs.heldFrom(group, log, backupId)).toBe(0);
    }
    expect(await read(await logs.open(group, 'b'), { from: 0, to: 0, limit: 10, maxBytes: 100 })).toEqual({
      items: [],
    });
    expect(await writer.append('four')).toBe(4);
    expect(writer.counted.elections).toBe(1);
  });

  test('is one moment of all logs while writers continue, and costs no writer its election', async () => {
    const logs = await openLogs('causes', 'effects');
    const causes = memoryWriter(logs.of(group, 'causes'), 1);
    const effects = memoryWriter(logs.of(group, 'effects'), 1);
    let going = true;
    let acknowledged = 0;
    const writing = (async () => {
      for (let n = 1; going; n += 1) {
        await causes.append(`${n}`);
        await effects.append(`${n}`);
        acknowledged = n;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const numbers = async (log: string, to: number) => {
      const page = await read(await logs.open(group, log), { from: 0, to, limit: 10_000, maxBytes: 2 ** 30 });
      if (!('items' in page)) throw new Error(JSON.stringify(page));
      return page.items.map(({ data }) => Number(Buffer.from(data).toString()));
    };
    try {
      for (let round = 0; round < 10; round += 1) {
        const before = acknowledged;
        const answer = await cutLogs(logs, group, { backupId, lockId: `lock-${round}` }, nothingElse);
        if (answer.kind === 'again') throw new Error(answer.again);
        const [last = 0] = (await numbers('causes', answer.cut['causes'] ?? 0)).slice(-1);
        const [lastEffect = 0] = (await numbers('effects', answer.cut['effects'] ?? 0)).slice(-1);
        expect(last).toBeGreaterThanOrEqual(lastEffect);
        expect(lastEffect).toBeGreaterThanOrEqual(before);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      going = false;
      await writing;
    }
    expect([causes.counted.elections, effects.counted.elections]).toEqual([1, 1]);
    expect(await numbers('causes', 10 ** 9).catch((error: Error) => error.message)).toContain('pastEnd');
  });

  test('does not count when a fill has brought an entry to a locked replica before all logs were locked', async () => {
    const logs = await openLogs('a', 'b');
    await memoryWriter(logs.of(group, 'a'), 1).append('one');
    const [replica] = logs.of(group, 'a').replicas;
    let late = true;
    const meanwhile = {
      ...logs,
      async open(name: string, log: string) {
        const parts = await logs.open(name, log);
        if (log !== 'b' || !late) return parts;
        late = false;
        const replicas = parts.replicas.map((one) => ({
          ...one,
          async lock(...asked: Parameters<typeof one.lock>) {
            // Log a has been locked for long.
            await new Promise((resolve) => setTimeout(resolve, 20));
            const value = slotOf('two');
            replica?.handle.learn([{ position: 2, promised: 9, promisedBy: 'x', learned: true, value }]);
            return one.lock(...asked);
          },
        }));
        return { ...parts, replicas };
      },
    };
    expect(await cutLogs(meanwhile, group, names, nothingElse)).toEqual({
      kind: 'again',
      again: 'log "a": an entry came in before all logs were locked',
    });
    expect(await cutLogs(meanwhile, group, { ...names, lockId: 'lock-2' }, nothingElse)).toEqual(
      placedAt({ a: 2, b: 0 }),
    );
  });

  test('does not count when another log came into use before the rest of the group was read', async () => {
    const logs = await openLogs('a');
    const withAnother = async () => {
      await initialise(logs, group, 'b');
      await memoryWriter(logs.of(group, 'b'), 1).append('an effect of what is in a');
      return nothingElse();
    };
    expect(await cutLogs(logs, group, names, withAnother)).toEqual({
      kind: 'again',
      again: 'log "b": it came into use while the cut was placed',
    });
    expect(await cutLogs(logs, group, { ...names, lockId: 'lock-2' }, nothingElse)).toEqual(placedAt({ a: 0, b: 1 }));
  });

  test('does not count when a fill has brought an entry while the rest of the group was read', async () => {
    const logs = await openLogs('a');
    const [replica] = logs.of(group, 'a').replicas;
    const withAFill = async () => {
      const value = slotOf('one');
      replica?.handle.learn([{ position: 1, promised: 9, promisedBy: 'x', learned: true, value }]);
      return nothingElse();
    };
    expect(await cutLogs(logs, group, names, withAFill)).toEqual({
      kind: 'again',
      again: 'log "a": an entry came in while the cut was placed',
    });
  });

  test('does not count when a lock was removed before it was placed', async () => {
    const logs = await openLogs('a', 'b');
    await memoryWriter(logs.of(group, 'a'), 1).append('one');
    const { parts, replicas } = logs.of(group, 'b');
    const writer = { ...parts.sequencer, read: parts.sequencer.read };
    const broken = {
      ...logs,
      open: async (name: string, log: string) => {
        const opened = await logs.open(name, log);
        if (log !== 'b') return opened;
        const reading = async () => {
          for (const replica of replicas) replica.handle.unlock('lock-1');
          return writer.read();
        };
        return { ...opened, sequencer: { ...writer, read: reading } };
      },
    };
    const answer = await cutLogs(broken, group, names, nothingElse);
    expect(answer).toEqual({ kind: 'again', again: 'log "b": the lock was removed before the cut was placed' });
    for (const log of ['a', 'b']) {
      for (const { inForce } of logs.of(group, log).replicas) expect(inForce.lock).toBeUndefined();
    }
    expect(await cutLogs(logs, group, { backupId, lockId: 'lock-2' }, nothingElse)).toHaveProperty('cut');
  });

  test('waits for the lock of another, and for a quorum', async () => {
    const logs = await openLogs('a');
    const [one, two, three] = logs.of(group, 'a').replicas;
    const { parts } = logs.of(group, 'a');
    const lockedBy = (replica: typeof one) => {
      const { view, lockTurn } = replica?.inForce ?? { view: '', lockTurn: 0 };
      replica?.handle.lock({ lockId: 'other', at: parts.timer.now(), view, turn: lockTurn });
    };
    lockedBy(one);
    lockedBy(two);
    expect(await cutLogs(logs, group, names, nothingElse)).toEqual({
      kind: 'again',
      again: 'log "a": no quorum could be locked',
    });
    expect(one?.inForce.lock?.lockId).toBe('other');
    one?.handle.unlock('other');
    expect(await cutLogs(logs, group, names, nothingElse)).toEqual(placedAt({ a: 0 }));
    one?.wipe();
    three?.wipe();
    expect(await cutLogs(logs, group, names, nothingElse)).toEqual({
      kind: 'again',
      again: 'log "a": 1 of 2 needed replicas vote',
    });
  });

  test('holds truncations back, and leaves out a log that was never initialised', async () => {
    const logs = await openLogs('a');
    await logs.create(group, 'empty');
    const writer = memoryWriter(logs.of(group, 'a'), 1);
    await writer.append(...Array.from({ length: 10 }, (_, at) => `${at}`));
    await writer.truncate(4);
    expect(await cutLogs(logs, group, names, nothingElse)).toEqual(placedAt({ a: 11 }));
    expect(await writer.truncate(8)).toBe(-1);
    expect(await writer.truncate(4)).toBe(12);
    await logs.release(group, 'a', backupId);
    expect(await writer.truncate(8)).toBe(13);
  });

  test('opens the logs of a large group concurrently', async () => {
    const many = Array.from({ length: 8 }, (_, at) => `log-${at}`);
    const logs = await openLogs(...many);
    const { arrive } = meetingOf(many.length);
    const meeting = {
      ...logs,
      async hold(...asked: Parameters<typeof logs.hold>) {
        await arrive();
        return logs.hold(...asked);
      },
    };
    expect(await cutLogs(meeting, group, names, nothingElse)).toEqual(
      placedAt(Object.fromEntries(many.map((log) => [log, 0]))),
    );
  });

  test('takes up what only one replica has, and settles what nobody has', async () => {
    const logs = await openLogs('a');
    const { replicas, sequencer } = logs.of(group, 'a');
    const writer = memoryWriter(logs.of(group, 'a'), 1);
    await writer.append('one');
    const { number, writerId } = sequencer.record ?? { number: 0, writerId: '' };
    const [first] = replicas;
    first?.handle.write({
      number,
      by: writerId,
      view: first.inForce.view,
      position: 3,
      value: slotOf('alone'),
    });
    expect(await cutLogs(logs, group, names, nothingElse)).toEqual(placedAt({ a: 3 }));
    const page = await read(await logs.open(group, 'a'), { from: 0, to: 3, limit: 10, maxBytes: 1_000 });
    const items = 'items' in page ? page.items.map(({ data }) => Buffer.from(data).toString()) : page;
    expect(items).toEqual(['one', 'alone']);
  });
});
