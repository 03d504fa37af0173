import { describe, expect, test } from 'vitest';
import type { Appended } from '../../../functions/log/protocol/append.ts';
import { fill } from '../../../functions/log/protocol/fill.ts';
import { inspect, standing } from '../../../functions/log/protocol/inspect.ts';
import { lockAll, unlockAll } from '../../../functions/log/protocol/lock.ts';
import { UnreachableError } from '../../../functions/log/protocol/quorum.ts';
import type { WriteRequest } from '../../../functions/log/protocol/replica.ts';
import { appendAs, calmly, seated } from '../../support/log/calm-log.ts';

/** As after an API Gateway 503: the first handler continues while the caller has repeated its request already. */
describe('a request that two handlers have at the same time', () => {
  test('is placed anew once, though both saw its positions filled', () =>
    calmly({}, async ({ parts, down, seat: store }) => {
      const seat = await seated(parts);
      down.add(0).add(1).add(2);
      await appendAs(parts, seat, 'a');
      down.clear();
      const next = await seated(parts);
      const answers: Appended[] = [];
      let reads = 0;
      const overtaken = async () => {
        reads += 1;
        if (reads === 2) answers.push(await appendAs(parts, next, 'a'));
        return parts.seat.read();
      };
      answers.push(await appendAs({ ...parts, seat: { ...parts.seat, read: overtaken } }, next, 'a'));
      expect(answers).toEqual([
        { first: 2, last: 2 },
        { first: 2, last: 2 },
      ]);
      expect(store.seat?.next).toBe(3);
    }));

  test('and that one of them placed anew is not called lost by the other, which met the fill', () =>
    calmly({}, async ({ parts }) => {
      const seat = await seated(parts);
      await lockAll(parts, 'backup');
      await appendAs(parts, seat, 'a');
      await unlockAll(parts, 'backup');
      const unlearned = {
        ...parts,
        replicas: parts.replicas.map((replica) => ({
          ...replica,
          learn: () => Promise.reject(new UnreachableError('lost')),
        })),
      };
      let overtaking: Promise<Appended> | undefined;
      const overtake = async () => {
        await fill(unlearned, { ...standing(await inspect(parts, 1, 1)), position: 1 });
        return appendAs(parts, seat, 'a');
      };
      const slow = {
        ...parts,
        replicas: parts.replicas.map((replica) => ({
          ...replica,
          write: async (request: WriteRequest) => {
            overtaking ??= overtake();
            await overtaking;
            return replica.write(request);
          },
        })),
      };
      expect(await appendAs(slow, seat, 'a')).toEqual({ notElected: true });
      expect(await overtaking).toEqual({ first: 2, last: 2 });
    }));
});
