import { expect, test, vi } from 'vitest';
import { countViolations } from '../../../functions/platform/metrics.ts';
import { requireInvariants } from '../../../store/invariants.ts';

test('a service counts each violation once, by the name of the invariant', () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  countViolations();
  countViolations();
  const never = [{ name: 'T1', title: 'nothing passes', holds: () => false }];
  expect(() => requireInvariants(never, 1, 'The number')).toThrow('violates T1');
  const printed = [...log.mock.calls, ...write.mock.calls].map(([text]) => String(text)).join('\n');
  log.mockRestore();
  write.mockRestore();
  const counted = printed.split('\n').filter((line) => line.includes('InvariantViolated'));
  expect(counted).toHaveLength(1);
  expect(JSON.parse(counted[0] ?? '')).toMatchObject({ InvariantViolated: 1, reason: 'T1' });
});
