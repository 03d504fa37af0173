import { expect, test } from 'vitest';
import type { Bench, Measured } from '../../bench/bench.ts';
import { section, withSection } from '../../bench/page.ts';

const bench = (name: string): Bench => ({ name, sentence: `The ${name}, measured.`, run: async () => ({ rows: [] }) });
const measured: Measured = {
  rows: [
    { what: 'renew | p50', ours: '1.20 ms', theirs: '1.00 ms', ratio: 1.2, aim: { said: '≤ 1.15', met: false } },
    { what: 'polls', ours: '0', theirs: '12' },
  ],
  notes: ['Without etcd: install etcd-server.'],
};

test('a section has its sentence, its table with missed aims said, its notes and its machine', () => {
  expect(section(bench('log'), measured, '2026-11-24, 2 cores.')).toBe(`## log

The log, measured.

|  | ours | theirs | ratio | aim |
|---|---|---|---|---|
| renew \\| p50 | 1.20 ms | 1.00 ms | 1.20 | ≤ 1.15, missed |
| polls | 0 | 12 |  |  |

Without etcd: install etcd-server.

Measured 2026-11-24, 2 cores.
`);
});

test('its prose is as wide as all prose, its table as wide as it is', () => {
  const long = { ...measured, notes: ['a word and another '.repeat(20).trim()] };
  const lines = section(bench('log'), long, '2026-11-24, 2 cores.').split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  expect(lines.join(' ')).toContain(long.notes[0]);
});

const page = (...parts: [name: string, text: string][]) =>
  parts.reduce((made, [name, text]) => withSection(made, name, `## ${name}\n\n${text}\n`), '');

test('one bench run alone replaces its section and no other, whatever the order in which they were measured', () => {
  const first = page(['log', 'old log'], ['backup', 'old backup'], ['recovery', 'old recovery']);
  const second = withSection(first, 'log', '## log\n\nnew log\n');
  expect(second).toBe(page(['recovery', 'old recovery'], ['backup', 'old backup'], ['log', 'new log']));
  expect(second.split(/^## /m).map((part) => part.split('\n')[0])).toEqual([
    '# Benchmarks',
    'backup',
    'log',
    'recovery',
  ]);
  expect(second).not.toContain('old log');
  expect(withSection(second, 'log', '## log\n\nnew log\n')).toBe(second);
});
