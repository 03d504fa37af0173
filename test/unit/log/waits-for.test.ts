import { expect, test } from 'vitest';
import { firstConfiguration } from '../../../log/protocol/configuration.ts';
import type { ReplicaPosition } from '../../../log/protocol/reader.ts';
import { type LogStatus, waitsFor } from '../../../log/status.ts';

const replica = (status: ReplicaPosition['status'], more: Partial<ReplicaPosition> = {}): ReplicaPosition => ({
  id: '1',
  status,
  begin: 0,
  end: 9,
  promised: 1,
  lag: 0,
  ...more,
});

const log = (
  replicas: readonly ReplicaPosition[],
  autoInitialize = true,
  progress: LogStatus['progress'] = new Map(),
): LogStatus => {
  const voting = replicas.filter(({ status }) => status === 'VOTING').length;
  const stands = { begin: 0, floor: 0, end: 9, settled: 9, quorum: 2, voting, met: voting >= 2, replicas };
  return {
    group: 'g',
    log: 'l',
    autoInitialize,
    createdAt: 1,
    configuration: firstConfiguration([]),
    progress,
    ...stands,
  };
};

test.each<[string, ReplicaPosition, readonly ReplicaPosition['status'][], string | undefined]>([
  ['votes', replica('VOTING'), ['VOTING', 'VOTING'], undefined],
  ['lags', replica('VOTING', { lag: 110 }), ['VOTING', 'VOTING'], 'the next minute: it lags by 110 positions'],
  ['is unreachable', replica('UNREACHABLE'), ['VOTING', 'VOTING'], 'its table, which does not answer'],
  ['catches up', replica('RECOVERING'), ['VOTING', 'VOTING'], 'its catch-up, to position 9'],
  ['is restored', replica('RECOVERING', { restoring: true }), ['EMPTY', 'EMPTY'], 'the restore that fills it'],
  ['was wiped', replica('EMPTY'), ['VOTING', 'VOTING'], 'its recovery, which begins within a minute'],
  ['lost its quorum', replica('EMPTY'), ['VOTING', 'EMPTY'], 'a quorum: 1 of 2 replicas that must vote do'],
  ['is new', replica('EMPTY'), ['EMPTY', 'STARTING'], 'the other replicas, to found the log'],
])('a replica that %s says what it waits for', (_, own, others, expected) => {
  expect(waitsFor(own, log([own, ...others.map((status) => replica(status))]))).toBe(expected);
});

test('a log that is founded by hand waits for the command', () => {
  const own = replica('EMPTY');
  expect(waitsFor(own, log([own, own, own], false))).toBe('tenure log init');
});

test('a replica whose recovery runs says how far it is and how fast, or why it decides nothing', () => {
  const noted = { startedAt: 0, updatedAt: 8_000 };
  const caughtUp = { done: 5_120, of: 10_000, perSecond: 640 };
  const own = replica('RECOVERING', { end: 12_000 });
  const others = [replica('VOTING'), replica('VOTING')];
  expect(waitsFor(own, log([own, ...others], true, new Map([['1', { ...noted, caughtUp }]])))).toBe(
    'its catch-up to position 12000: 5120 of 10000 positions (51 %), 640 a second',
  );
  const waiting = replica('EMPTY');
  const reason = '1 replicas do not answer and only 1 of 2 needed vote';
  expect(waitsFor(waiting, log([waiting, ...others], true, new Map([['1', { ...noted, reason }]])))).toBe(
    `its recovery: ${reason}`,
  );
});
