import { describe, expect, test } from 'vitest';
import type { Group } from '../../../console/answers.ts';
import { brief, bytes, duration, interval, shellWord } from '../../../console/format.ts';
import { arranged, backupsHealth, logsHealth, readSort, toRow } from '../../../console/overview/rows.ts';
import { scrollTo, windowOf } from '../../../console/overview/window.ts';
import { linkTo, readRoute } from '../../../console/route.ts';

const now = Date.parse('2026-11-30T12:00:00Z');
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();

function group(name: string, { version = 1, leader = '', left = 10, pending = false } = {}): Group {
  const shown = leader && {
    contenderId: leader,
    sessionId: '00000000-0000-4000-8000-000000000000',
    address: `${leader}.internal:1`,
    metadata: null,
    confirmedAt: at(-60 * version),
    expiresAt: at(left),
  };
  return { group: name, fencingVersion: version, leader: shown || null, pending };
}

describe('rows', () => {
  const rows = [
    group('b', { leader: 'x', version: 3 }),
    group('a', { leader: 'y', version: 9 }),
    group('d', { pending: true }),
    group('c'),
    group('e', { leader: 'z', left: -1 }),
  ].map((one) => toRow(one, now));

  test('a lease that ran out is led by nobody, whatever the last answer said', () => {
    expect(rows.map(({ status }) => status)).toEqual(['led', 'led', 'pending', 'leaderless', 'leaderless']);
  });

  test('trouble comes first, then the names', () => {
    expect(arranged(rows, '', 'trouble').map((row) => row.group)).toEqual(['c', 'e', 'd', 'a', 'b']);
    expect(arranged(rows, '', 'name').map((row) => row.group)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(arranged(rows, '', 'version')[0]?.group).toBe('a');
    expect(
      arranged(rows, '', 'newest')
        .map((row) => row.group)
        .slice(0, 2),
    ).toEqual(['e', 'b']);
    expect(readSort('nonsense')).toBe('trouble');
  });

  test('each word of the filter must match', () => {
    expect(arranged(rows, 'INTERNAL y', 'name').map((row) => row.group)).toEqual(['a']);
    expect(arranged(rows, 'leaderless', 'name').map((row) => row.group)).toEqual(['c', 'e']);
    expect(arranged(rows, 'nobody-has-this', 'name')).toEqual([]);
  });
});

describe('health at a glance', () => {
  const log = (voting: number, replicas: number) =>
    ({ voting, quorum: 2, replicas: Array.from({ length: replicas }, () => ({})) }) as never;

  test('of logs: whole, degraded, without quorum', () => {
    expect(logsHealth([])).toEqual({ tone: 'none', text: 'none' });
    expect(logsHealth([log(3, 3)])).toEqual({ tone: 'good', text: '1 whole' });
    expect(logsHealth([log(3, 3), log(2, 3)])).toEqual({ tone: 'warn', text: '1 of 2 degraded' });
    expect(logsHealth([log(3, 3), log(1, 3)])).toEqual({ tone: 'bad', text: '1 without quorum' });
  });

  test('of backups: by the newest', () => {
    const backup = (state: string) => ({ state, startedAt: at(-180), endedAt: at(-120) }) as never;
    expect(backupsHealth([], now, brief)).toEqual({ tone: 'none', text: 'none' });
    expect(backupsHealth([backup('COMPLETED'), backup('FAILED')], now, brief)).toEqual({
      tone: 'good',
      text: '2 min ago',
    });
    expect(backupsHealth([backup('FAILED')], now, brief)).toEqual({ tone: 'bad', text: 'failed 2 min ago' });
    expect(backupsHealth([backup('RUNNING')], now, brief)).toEqual({ tone: 'warn', text: 'running' });
  });
});

describe('the window of a thousand rows', () => {
  test('holds what is seen and a little more, at both ends and in between', () => {
    expect(windowOf(1_000, 48, 0, 480)).toEqual({ first: 0, end: 16 });
    expect(windowOf(1_000, 48, 24_000, 480)).toEqual({ first: 494, end: 516 });
    expect(windowOf(1_000, 48, 47_520, 480)).toEqual({ first: 984, end: 1_000 });
    expect(windowOf(3, 48, 47_520, 480)).toEqual({ first: 3, end: 3 });
  });

  test('moves only as far as the row needs', () => {
    expect(scrollTo(0, 48, 100, 480)).toBe(0);
    expect(scrollTo(5, 48, 0, 480)).toBe(0);
    expect(scrollTo(20, 48, 0, 480)).toBe(21 * 48 - 480);
  });
});

describe('addresses', () => {
  test.each(['#/', '#/?filter=eu+west&sort=version', '#/groups/a.b', '#/groups/orders/explain'])('%s', (hash) => {
    expect(linkTo(readRoute(hash))).toBe(hash);
  });

  test('of nothing known is the overview', () => {
    expect(readRoute('#/elsewhere/%E0%A4%A')).toEqual({ kind: 'overview', filter: '', sort: '' });
  });
});

test('figures read as people write them', () => {
  expect([420, 12_300, 200_000, 15_000_000, 777_600_000].map(duration)).toEqual([
    '0.4 s',
    '12 s',
    '3 min 20 s',
    '4 h 10 min',
    '9 d 0 h',
  ]);
  expect([12_300, 200_000, 15_000_000, 777_600_000].map(brief)).toEqual(['12 s', '3 min', '4 h', '9 d']);
  expect([120, 12_300, 200_000].map(interval)).toEqual(['0.1 s', '12 s', '3 min']);
  expect([0, 900, 2_048, 5 * 1024 ** 3].map(bytes)).toEqual(['0 B', '900 B', '2.0 KiB', '5.0 GiB']);
  expect(shellWord('plain-1')).toBe('plain-1');
  expect(shellWord("it's; rm")).toBe(`'it'\\''s; rm'`);
});
