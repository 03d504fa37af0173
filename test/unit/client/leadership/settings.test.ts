import { expect, test } from 'vitest';
import { checkNames, checkSettings } from '../../../../client/leadership/settings.ts';

test('settings not given follow from the lease', () => {
  expect(checkSettings({})).toEqual({
    leaseMs: 15_000,
    renewEveryMs: 5_000,
    requestTimeoutMs: 3_750,
    maxClockSkewMs: 250,
    handoverPollMs: 5_000,
  });
  expect(checkSettings({}, 'direct')).toMatchObject({ renewEveryMs: 5_000, handoverPollMs: 1_000 });
  expect(checkSettings({ handoverPollMs: 0 }, 'direct').handoverPollMs).toBe(0);
  for (const leaseMs of [1_000, 1_001, 15_000, 60_000, 3_600_000])
    expect(() => checkSettings({ leaseMs })).not.toThrow();
});

test('settings that do not fit together are refused, with both values named', () => {
  for (const [settings, ...names] of [
    [{ leaseMs: 999 }, 'leaseMs is 999'],
    [{ leaseMs: 3_600_001 }, '3600001'],
    [{ leaseMs: 1_500.5 }, '1500.5'],
    [{ leaseMs: Number.NaN }, 'NaN'],
    [{ leaseMs: 1_000, maxClockSkewMs: 500 }, 'maxClockSkewMs 500', 'leaseMs 1000'],
    [{ maxClockSkewMs: -1 }, 'maxClockSkewMs is -1'],
    [{ leaseMs: 9_000, renewEveryMs: 4_000, requestTimeoutMs: 1_000 }, 'renewEveryMs 4000', 'leaseMs 9000'],
    [{ renewEveryMs: 0 }, 'renewEveryMs is 0'],
    [{ requestTimeoutMs: Number.POSITIVE_INFINITY }, 'requestTimeoutMs is Infinity'],
  ] as const) {
    for (const name of names) expect(() => checkSettings(settings)).toThrow(name);
  }
  expect(() => checkSettings({ leaseMs: 1_000, maxClockSkewMs: 499 })).not.toThrow();
  expect(() => checkSettings({ leaseMs: 9_001, renewEveryMs: 4_000, requestTimeoutMs: 1_000 })).not.toThrow();
});

test('names that the service would refuse are refused here', () => {
  expect(() => checkNames('orders', 'a', 'host:1')).not.toThrow();
  expect(() => checkNames('a/b', 'a', 'host:1')).toThrow('group is "a/b"');
  expect(() => checkNames('orders', '-a', 'host:1')).toThrow('contenderId is "-a"');
  expect(() => checkNames('orders', 'a', '')).toThrow('address is ""');
  expect(() => checkNames('orders', 'a', 'x'.repeat(257))).toThrow('address is');
});
