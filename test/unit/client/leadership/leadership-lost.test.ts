import { expect, test } from 'vitest';
import { hasCode, LeadershipLostError, TenureError } from '../../../../client/index.ts';
import { lossOf } from '../../../../client/leadership/loss.ts';

test('the end of a term is a TenureError like any other, with a code and the reason', () => {
  const loss = { reason: 'revoked', detail: 'Term 3 has ended.', currentVersion: 4 } as const;
  const error: unknown = new LeadershipLostError(loss);
  expect(error).toBeInstanceOf(TenureError);
  expect(error).toMatchObject({ name: 'LeadershipLostError', code: 'leadership_lost', status: 409, retryable: false });
  if (!hasCode(error, 'leadership_lost', 'leadership_held')) throw error;
  const code: 'leadership_lost' | 'leadership_held' = error.code;
  expect({ code, ...error.members }).toEqual({ code: 'leadership_lost', reason: 'revoked', fencingVersion: 4 });
  // It is no answer of the service, which would end a term.
  expect(lossOf(error)).toBeUndefined();
});
