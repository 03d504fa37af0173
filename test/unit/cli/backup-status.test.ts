import { expect, test } from 'vitest';
import { describe } from '../../../cli/backups/status.ts';

test('a backup is described with its phases in the order of its life, its error and why workers refused', () => {
  const text = describe({
    backupId: '0197b0f0-0000-7000-8000-000000000000',
    group: 'orders',
    state: 'FAILED',
    attempt: 2,
    worker: 'standby',
    host: 'here',
    entryCount: 12,
    bytes: 2_048,
    startedAt: '2026-11-01T12:00:00.000Z',
    endedAt: '2026-11-01T12:00:30.000Z',
    phases: { VERIFYING: 200, RUNNING: 20_000, INITIATING: 1_000, TRANSITIONING: 500 },
    cut: { events: 7 },
    error: { code: 'backup_damaged', message: 'a file is missing' },
    refusals: [{ worker: 'other', reason: 'replays\u001b[2J' }],
  });
  expect(text).toContain('error    backup_damaged: a file is missing');
  expect(text).toContain('worker   standby on here (attempt 2)');
  expect(text).toContain('bytes    2.0 KiB');
  expect(text).toContain('phases   initiating 1.0 s, transitioning 0.5 s, running 20 s, verifying 0.2 s');
  expect(text).toContain('cut      events at 7');
  expect(text).toContain('refused by other: replays\\u001b[2J');
});
