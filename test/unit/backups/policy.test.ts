import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import { timedUuidFrom, uuidFrom } from '../../../functions/backups/derived-id.ts';
import { due, newestSlot, type Policy, slotBackupId } from '../../../functions/backups/schedule/policy.ts';
import { beyond } from '../../../functions/backups/schedule/retention.ts';

const at = (text: string) => Date.parse(text);
const minute = 60_000;
const hourly: Policy = { everyMs: 60 * minute, retain: 3, misfire: 'skip' };
const nightly: Policy = { dailyAt: '02:30', retain: 3, misfire: 'skip' };

describe('slots', () => {
  test('lie on multiples of the period', () => {
    expect(newestSlot(hourly, at('2026-03-01T10:59:59.999Z'))).toBe(at('2026-03-01T10:00:00Z'));
    expect(newestSlot(hourly, at('2026-03-01T11:00:00Z'))).toBe(at('2026-03-01T11:00:00Z'));
  });

  test('lie at the hour of each day in UTC, over the end of a year and the day before its hour', () => {
    expect(newestSlot(nightly, at('2026-03-01T02:30:00Z'))).toBe(at('2026-03-01T02:30:00Z'));
    expect(newestSlot(nightly, at('2026-03-01T02:29:59Z'))).toBe(at('2026-02-28T02:30:00Z'));
    expect(newestSlot(nightly, at('2027-01-01T00:00:00Z'))).toBe(at('2026-12-31T02:30:00Z'));
    expect(newestSlot(nightly, at('2028-03-01T01:00:00Z'))).toBe(at('2028-02-29T02:30:00Z'));
  });

  test('never lie after the instant, nor a whole period before it', () => {
    const policies = fc.oneof(
      fc.integer({ min: minute, max: 31 * 24 * 60 * minute }).map((everyMs): Policy => ({ ...hourly, everyMs })),
      fc.constantFrom('00:00', '12:34', '23:59').map((dailyAt): Policy => ({ ...nightly, dailyAt })),
    );
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: at('2100-01-01') }), (policy, now) => {
        const slot = newestSlot(policy, now);
        expect(slot).toBeLessThanOrEqual(now);
        expect(now - slot).toBeLessThan(policy.everyMs ?? 24 * 60 * minute);
        expect(newestSlot(policy, slot)).toBe(slot);
      }),
    );
  });
});

describe('the due slot', () => {
  const slot = at('2026-03-01T10:00:00Z');

  test('is the newest slot, once', () => {
    expect(due(hourly, slot - 1, slot + minute)).toEqual({ start: slot });
    expect(due(hourly, slot, slot + minute)).toBeUndefined();
  });

  test('after a long pause: skipped, or caught up with by one backup', () => {
    const late = slot + 6 * minute;
    expect(due(hourly, slot - 5 * 60 * minute, late)).toEqual({ skip: slot });
    expect(due({ ...hourly, misfire: 'catch-up' }, slot - 5 * 60 * minute, late)).toEqual({ start: slot });
  });

  test('is nothing when the clock was moved back over slots that are done with', () => {
    expect(due(hourly, slot, slot - 3 * 60 * minute)).toBeUndefined();
  });
});

test('a slot has one backup id, a UUID v7 of its instant', () => {
  const slot = at('2026-03-01T10:00:00Z');
  const id = slotBackupId('orders', slot);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toBe(slot);
  expect(slotBackupId('orders', slot)).toBe(id);
  expect(slotBackupId('orders-2', slot)).not.toBe(id);
  expect(timedUuidFrom(slot, 'a', 'b')).not.toBe(timedUuidFrom(slot, 'a,b'));
  expect(uuidFrom('restore', 'a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/);
});

describe('retention', () => {
  const backup = (startedAt: number, state: BackupRecord['state']) =>
    ({ backupId: `${startedAt}`, startedAt, state }) as BackupRecord;
  const gone = (backups: BackupRecord[], retained: number) =>
    beyond(backups, retained).map(({ startedAt }) => startedAt);

  test('keeps exactly the newest completed, oldest go first', () => {
    const backups = [5, 1, 4, 2, 3].map((age) => backup(age, 'COMPLETED'));
    expect(gone(backups, 2)).toEqual([1, 2, 3]);
    expect(gone(backups, 5)).toEqual([]);
  });

  test('keeps the newest completed one and those that run, whatever is asked', () => {
    const backups = [backup(1, 'COMPLETED'), backup(2, 'RUNNING'), backup(3, 'FAILED'), backup(4, 'VERIFYING')];
    expect(gone(backups, 0)).toEqual([]);
  });

  test('takes the failed ones along that are older than all that is kept, and no others', () => {
    const backups = [
      backup(1, 'FAILED'),
      backup(2, 'COMPLETED'),
      backup(3, 'FAILED'),
      backup(4, 'COMPLETED'),
      backup(5, 'FAILED'),
    ];
    expect(gone(backups, 1)).toEqual([2, 1, 3]);
    expect(gone(backups, 3)).toEqual([]);
  });
});
