import { expect, test } from 'vitest';
import { commitCheckpoint } from '../../../functions/jobs/checkpoint-writes.ts';
import { Placeholders, renderCondition, renderUpdate } from '../../../store/expression.ts';
import { requestIdOf } from '../../../store/idempotency.ts';

/** DynamoDB allows 4,096 bytes, of which a quarter stays free. */
const longestExpression = 3_072;

test.each([['next'], ['fresh'], ['reserved']] as const)(
  'the largest commit (%s) stays below the limit of an expression',
  (way) => {
    const payload = {
      payloadId: '01a20f26-c392-7745-b7bb-df8bdc9537a1',
      bytes: 2 ** 40,
      sha256: 'a'.repeat(64),
      composite: `${'A'.repeat(43)}=-9999`,
      committedAt: Date.now(),
    };
    const checkpoint = {
      kind: 'checkpoint' as const,
      payload,
      otherPayloadId: '01a20f26-c392-7745-b7bb-df8bdc9537a2',
      metadata: { offset: 'x'.repeat(1_000) },
      expected: 2 ** 50,
      requestId: requestIdOf('key', 'POST', '/v1', Buffer.of()),
      ...(way === 'next' ? {} : { checkpointId: 2 ** 50 }),
    };
    const write = commitCheckpoint({ group: 'g'.repeat(128), jobId: 'j'.repeat(128) }, 2 ** 27, checkpoint, way);
    if (write.kind !== 'update' || !write.condition) throw new Error('A commit is a conditional update');
    const placeholders = new Placeholders({ compact: true });
    expect(renderUpdate(write.update, placeholders).length).toBeLessThan(longestExpression);
    expect(renderCondition(write.condition, placeholders).length).toBeLessThan(longestExpression);
  },
);
