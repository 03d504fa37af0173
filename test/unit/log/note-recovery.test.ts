/** Metrics of a recovery, by log: rounds and why they wait, positions caught up, its duration. */
import { expect, test } from 'vitest';
import { noteRound, noteSlices } from '../../../functions/log/lambda/note-recovery.ts';
import type { Progress, RecoveryProgress } from '../../../log/recovery-progress.ts';
import { captureMetrics } from '../../support/embedded-metrics.ts';

const replica = { group: 'orders', log: 'journal', replica: '2' };
const ofThisLog = { log: 'orders/journal' };

const written = captureMetrics();

/** The values of a metric, with what they are counted by. */
const metric = (name: string) =>
  written(name).map(({ _aws, service: _, [name]: value, ...by }): Record<string, unknown> => ({ value, ...by }));

/** Notes in memory; what is `ended` was begun before. */
function notes(ended?: Progress, failure?: Error) {
  const noted: unknown[][] = [];
  const note =
    (name: string) =>
    async (...args: unknown[]) => {
      if (failure) throw failure;
      noted.push([name, ...args]);
    };
  const progress: RecoveryProgress = {
    waits: note('waits'),
    begins: note('begins'),
    learns: note('learns'),
    ends: async () => {
      if (failure) throw failure;
      return ended;
    },
    read: async () => new Map(),
  };
  return { progress, noted };
}

test('each round is counted by what it decided: why it waits, that it catches up, that it is done', async () => {
  const { progress, noted } = notes({ startedAt: 1_000, updatedAt: 2_000 });
  const now = () => 6_500;
  await noteRound(progress, replica, { next: 'wait', why: 'quorum', reason: '1 of 2 replicas vote' }, now);
  await noteRound(progress, replica, { next: 'wait', why: 'unreachable', reason: 'replica 3 is silent' }, now);
  const plan = { incarnation: 'life', ranges: [{ from: 1, to: 9, fillTo: 9 }] };
  await noteRound(progress, replica, { next: 'catchUp', plan }, now);
  await noteRound(progress, replica, { next: 'done' }, now);
  expect(metric('LogRecoveryRounds')).toEqual(
    ['quorum', 'unreachable', 'catch-up', 'done'].map((reason) => ({ value: 1, ...ofThisLog, reason })),
  );
  expect(metric('LogRecoveryTime')).toEqual([{ value: 5_500, ...ofThisLog }]);
  expect(noted).toEqual([
    ['waits', replica, '1 of 2 replicas vote'],
    ['waits', replica, 'replica 3 is silent'],
    ['begins', replica, plan.ranges],
  ]);
});

test('a recovery that was never noted has no duration', async () => {
  await noteRound(notes().progress, replica, { next: 'done' });
  expect(metric('LogRecoveryTime')).toEqual([]);
});

test('the positions of a slice are counted at its end, and its way is noted every two seconds', async () => {
  const { progress, noted } = notes();
  let now = 0;
  const slices = noteSlices(progress, replica, { to: 999 }, () => now);
  slices.onNext(64);
  now = 2_000;
  slices.onNext(128);
  now = 2_100;
  slices.onNext(192);
  const slice = { next: 'again' as const, range: { from: 256, to: 999, fillTo: 999 } };
  await slices.end({ ...slice, learned: 250 });
  await slices.end({ ...slice, learned: 0 });
  expect(metric('LogPositionsCaughtUp')).toEqual([{ value: 250, ...ofThisLog }]);
  expect(noted.map(([name, , range]) => [name, range])).toEqual(
    [128, 256, 256].map((from) => ['learns', { from, to: 999 }]),
  );
});

test('a store that does not answer costs the note, not the recovery nor its metrics', async () => {
  const failure = Object.assign(new Error('slow'), { name: 'TimeoutError' });
  const { progress } = notes(undefined, failure);
  await noteRound(progress, replica, { next: 'wait', why: 'empty', reason: 'all are empty' });
  await noteRound(progress, replica, { next: 'done' });
  expect(metric('LogRecoveryRounds').map((one) => one['reason'])).toEqual(['empty', 'done']);
  expect(metric('LogRecoveryTime')).toEqual([]);
  const broken = notes(undefined, new TypeError('a fault'));
  await expect(noteRound(broken.progress, replica, { next: 'done' })).rejects.toThrow('a fault');
});
