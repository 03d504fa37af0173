import { describe, expect, test } from 'vitest';
import type { Backup } from '../../../console/answers.ts';
import { dryRunText, emptyForm, planOf } from '../../../console/group/actions/actions.ts';
import { eventText } from '../../../console/group/event-text.ts';
import { nextSlot, phasesOf, totalMs } from '../../../console/group/gantt.ts';
import { chartOf, ticksOf, usualRange, windowBegin } from '../../../console/group/lanes.ts';
import { plotted, rhythmOf } from '../../../console/group/rhythm.ts';
import { noon, term } from '../explain/story.ts';

describe('the term history', () => {
  const terms = [
    term(1, 'a', 0, { at: 40, reason: 'expired' }),
    term(2, 'b', 50, { at: 90, reason: 'resigned' }),
    term(3, 'a', 90),
  ].toReversed();
  const chart = chartOf(terms, noon, noon + 100_000);

  test('has a lane for each contender, and bars to scale', () => {
    expect(chart.lanes.map(({ contenderId }) => contenderId)).toEqual(['a', 'b']);
    const bars = chart.lanes[0]?.bars.map(({ left, width, isRunning }) => [left, width, isRunning]);
    expect(bars).toEqual([
      [0, 40, false],
      [90, 10, true],
    ]);
  });

  test('shows the gap between terms, and none where one follows the other', () => {
    expect(chart.gaps.map(({ left, width }) => [left, width])).toEqual([[40, 10]]);
  });

  test('cuts what lies before the window', () => {
    const cut = chartOf(terms, noon + 80_000, noon + 100_000);
    expect(cut.lanes.map(({ bars }) => bars.map(({ left, width }) => [left, width]))).toEqual([[[50, 50]], [[0, 50]]]);
    expect(cut.gaps).toEqual([]);
  });

  test('begins where something is to be seen', () => {
    expect(usualRange(terms, noon + 100_000)).toBe('5 min');
    expect(usualRange(terms, noon + 3_000_000)).toBe('1 h');
    expect(usualRange(terms, noon + 40 * 86_400_000)).toBe('All');
    expect(windowBegin(terms, '1 h', noon + 100_000)).toBe(noon - 3_500_000);
    expect(windowBegin(terms, 'All', noon + 100_000)).toBe(noon - 2_000);
  });

  test('has round ticks, never more than nine', () => {
    expect(ticksOf(noon - 3_600_000, noon).map((at) => new Date(at).toISOString().slice(11, 16))).toEqual([
      '11:00',
      '11:15',
      '11:30',
      '11:45',
      '12:00',
    ]);
    for (const ms of [1_000, 59_000, 3_599_000, 86_400_000, 90 * 86_400_000, 900 * 86_400_000])
      expect(ticksOf(noon - ms, noon).length).toBeLessThanOrEqual(9);
  });
});

describe('a backup', () => {
  const backup = (state: Backup['state'], phases: Backup['phases'], endedAt?: number) =>
    ({
      state,
      phases,
      startedAt: new Date(noon).toISOString(),
      ...(endedAt !== undefined && { endedAt: new Date(noon + endedAt).toISOString() }),
    }) as Backup;

  test('has its phases one after the other, on the scale of the longest', () => {
    const done = backup('COMPLETED', { INITIATING: 1_000, RUNNING: 3_000, VERIFYING: 1_000 }, 5_000);
    expect(totalMs(done, noon + 99_000)).toBe(5_000);
    expect(phasesOf(done, 10_000, noon).map(({ phase, left, width }) => [phase, left, width])).toEqual([
      ['INITIATING', 0, 10],
      ['RUNNING', 10, 30],
      ['VERIFYING', 40, 10],
    ]);
  });

  test('that runs grows with the time', () => {
    const running = backup('RUNNING', { INITIATING: 1_000 });
    expect(phasesOf(running, 4_000, noon + 4_000).at(-1)).toEqual({
      phase: 'RUNNING',
      ms: 3_000,
      left: 25,
      width: 75,
      isRunning: true,
    });
  });

  test('comes next at the slot of its schedule', () => {
    expect(nextSlot({ everyMs: 3_600_000 }, noon + 1)).toBe(noon + 3_600_000);
    expect(nextSlot({ dailyAt: '03:00' }, noon)).toBe(Date.parse('2026-12-01T03:00:00Z'));
    expect(nextSlot({ dailyAt: '13:30' }, noon)).toBe(Date.parse('2026-11-30T13:30:00Z'));
  });
});

test('checkpoints are plotted by size and by rhythm', () => {
  const checkpoints = [0, 10, 30].map((seconds, n) => ({
    committedAt: new Date(noon + seconds * 1_000).toISOString(),
    bytes: 100 * (n + 1),
  }));
  expect(rhythmOf(checkpoints)).toEqual({ everyMs: 15_000, meanBytes: 200 });
  expect(rhythmOf([])).toEqual({ everyMs: 0, meanBytes: 0 });
  expect(plotted(checkpoints, 'bytes')[1]).toEqual([100, 200, 300]);
  expect(plotted(checkpoints, 'gap')[1]).toEqual([null, 10, 20]);
});

describe('an action', () => {
  const revoke = { kind: 'revoke', fencingVersion: 7, contenderId: 'a' } as const;

  test('is the same as its command, and waits for what is missing', () => {
    expect(planOf(revoke, 'orders', emptyForm)).toMatchObject({ missing: expect.stringContaining('a reason') });
    const plan = planOf(revoke, 'orders', { ...emptyForm, reason: "it's stuck", force: true });
    expect(plan.command).toBe(
      `tenure leader revoke --group orders --fencing-version 7 --reason 'it'\\''s stuck' --force`,
    );
    expect(plan.request).toEqual({
      path: '/v1/groups/orders/leadership/revoke',
      body: { fencingVersion: 7, reason: "it's stuck", force: true },
    });
    expect(plan.dryRun?.body).toEqual({ ...plan.request.body, dryRun: true });
    expect(plan.missing).toBeUndefined();
  });

  test('hands over to whom was chosen, or to the first', () => {
    const waiting = [{ contenderId: 'b', seenAt: 5_000 }];
    const handOver = { kind: 'hand-over', fencingVersion: 7, waiting, others: ['b'] } as const;
    expect(planOf(handOver, 'orders', { ...emptyForm, successor: 'b' })).toMatchObject({
      command: 'tenure leader hand-over --group orders --to b',
      request: { body: { fencingVersion: 7, successor: 'b' } },
    });
    expect(planOf(handOver, 'orders', emptyForm).request.body).toEqual({ fencingVersion: 7 });
    const preview = (successor: string, of = handOver) =>
      dryRunText(of, { ...emptyForm, successor }, { contenderId: 'a', asked: false }, 9_000);
    expect(preview('b')).toBe('Would ask a to resign. b waits for the lease, and was seen 4 s ago.');
    expect(preview('c')).toContain('c is not seen waiting: nobody else could take the lease');
    expect(preview('')).toBe('Would ask a to resign. Those who wait: b, seen 4 s ago.');
    expect(preview('', { ...handOver, waiting: [] } as never)).toContain('the group could stay without a leader');
  });

  test('of a replica founds a new log, or recovers', () => {
    const at = { log: 'events', replica: '2' };
    expect(planOf({ kind: 'initialize-replica', ...at }, 'orders', emptyForm)).toMatchObject({
      command: 'tenure log init events --group orders --replica 2',
      request: { path: '/v1/groups/orders/logs/events/replicas/2/initialize' },
    });
    expect(planOf({ kind: 'recover-replica', ...at, status: 'EMPTY' }, 'orders', emptyForm)).toMatchObject({
      command: 'tenure log recover events --group orders --replica 2',
      request: { path: '/v1/groups/orders/logs/events/replicas/2/recover' },
    });
  });

  test('says what its dry run found', () => {
    const takeoverAt = new Date(noon + 9_000).toISOString();
    expect(dryRunText(revoke, emptyForm, { revoked: false, contenderId: 'a', takeoverAt }, noon)).toBe(
      'Would end the term of a; the lease can be taken at 12:00:09, in 9 s.',
    );
    const candidates = [
      { worker: 'w1', host: 'h1', chosen: true, why: 'idle' },
      { worker: 'w2', host: 'h2', chosen: false, why: 'busy' },
    ];
    expect(
      dryRunText({ kind: 'backup' }, emptyForm, { explain: true, candidates, positions: { events: 40 } }, noon),
    ).toBe('w1 on h1 would take it (idle). The cut as of now: events at 40. w2: busy');
  });
});

test('an event is told in few words', () => {
  const common = { id: '1', at: '', version: 1, sequence: '', group: 'orders' };
  expect(
    eventText({ ...common, type: 'Leadership Confirmed', fencingVersion: 2, contenderId: 'b', address: 'x' }),
  ).toBe('version 2 · b');
  expect(eventText({ ...common, type: 'Checkpoint Committed', jobId: 'j', fencingVersion: 2, checkpointId: 5 })).toBe(
    'version 2 · j · 5',
  );
});
