import { expect, test } from 'vitest';
import { retryConflicts } from '../../../store/retry-conflicts.ts';

test('ends with the first attempt that met nobody', async () => {
  const tried: number[] = [];
  const value = await retryConflicts({ tries: 5, of: 'group "orders"' }, async (at) => {
    tried.push(at);
    return at < 3 ? { kind: 'conflict' } : { kind: 'done', value: 'written' };
  });
  expect(value).toBe('written');
  expect(tried).toEqual([1, 2, 3]);
});

test('ends in contention, which the caller may retry, after the last of the tries', async () => {
  let tried = 0;
  const attempt = async () => {
    tried += 1;
    return { kind: 'conflict' } as const;
  };
  await expect(retryConflicts({ tries: 5, of: 'group "orders"' }, attempt)).rejects.toMatchObject({
    code: 'contention',
    kind: { status: 503, retryable: true },
    detail: expect.stringContaining('group "orders"'),
    members: { retryAfterMs: expect.any(Number) },
  });
  expect(tried).toBe(5);
});
