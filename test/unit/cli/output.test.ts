import { expect, test } from 'vitest';
import { readDuration } from '../../../cli/duration.ts';
import { bytes, duration, fields, relative, table } from '../../../cli/output.ts';

test('tables align numbers to the right and say what is not there', () => {
  const rows = [
    { name: 'orders', version: 7, leader: 'a' },
    { name: 'x', version: 1234, leader: undefined },
  ];
  const columns = [
    { title: 'NAME', of: (row: (typeof rows)[number]) => row.name },
    { title: 'VERSION', of: (row: (typeof rows)[number]) => row.version },
    { title: 'LEADER', of: (row: (typeof rows)[number]) => row.leader },
  ];
  expect(table(rows, columns, 'none')).toBe('NAME    VERSION  LEADER\norders        7  a\nx          1234  -');
  expect(table([], columns, 'none')).toBe('none');
  expect(fields({ a: 1, long: null })).toBe('a     1\nlong  -');
});

test('durations, instants and sizes read as people write them', () => {
  const now = Date.parse('2026-11-01T12:00:00Z');
  expect(relative('2026-11-01T12:00:04.200Z', now)).toBe('in 4.2 s');
  expect(relative('2026-11-01T11:30:00Z', now)).toBe('30 min ago');
  expect([50, 90_000, 10 * 3_600_000, 5 * 86_400_000].map(duration)).toEqual(['0.1 s', '90 s', '10 h', '5 d']);
  expect([0, 1023, 1024, 64 * 2 ** 20, 2 ** 31].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '64.0 MiB',
    '2.0 GiB',
  ]);
});

test('durations are read with their unit only', () => {
  const read = readDuration('--lease');
  expect(['15s', '1500ms', '1.5s', '2m', '1h', '40d'].map(read)).toEqual([
    15_000, 1_500, 1_500, 120_000, 3_600_000, 3_456_000_000,
  ]);
  for (const text of ['15', '', 's', '-1s', '1w', '1.0005s', '1s ']) expect(() => read(text)).toThrow(`"${text}"`);
});
