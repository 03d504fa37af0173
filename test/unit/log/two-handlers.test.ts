import { describe, expect, test } from 'vitest';
import type { Appended } from '../../../log/protocol/append.ts';
import { fill } from '../../../log/protocol/fill.ts';
import { inspectFrom, prepareFill } from '../../../log/protocol/inspect.ts';
import { lockAll, unlockAll } from '../../../log/protocol/lock.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import { UnreachableError } from '../../../log/protocol/quorum.ts';
import type { Replica, StageRequest } from '../../../log/protocol/replica.ts';
import { appendAs, calmly, electWriter } from '../../support/log/calm-log.ts';

/** As after an API Gateway 503: the first handler continues while the caller has repeated its request already. */
describe('a request that two handlers have at the same time', () => {
  test('is placed anew once, though both saw its positions filled', () =>
    calmly({}, async ({ parts, down, sequencer: store }) => {
      const writer = await electWriter(parts);
      down.add(0).add(1).add(2);
      await appendAs(parts, writer, 'a');
      down.clear();
      const next = await electWriter(parts);
      const answers: Appended[] = [];
      let reads = 0;
      const overtaken = async () => {
        reads += 1;
        if (reads === 2) answers.push(await appendAs(parts, next, 'a'));
        return parts.sequencer.read();
      };
      answers.push(await appendAs({ ...parts, sequencer: { ...parts.sequencer, read: overtaken } }, next, 'a'));
      expect(answers).toEqual([
        { first: 2, last: 2 },
        { first: 2, last: 2 },
      ]);
      expect(store.record?.next).toBe(3);
    }));

  test('has one outcome, though a fill came before the slower one: what that had staged before is in the log', () =>
    calmly({}, async ({ parts }) => {
      const writer = await electWriter(parts);
      await lockAll(parts, 'backup');
      await appendAs(parts, writer, 'a');
      await unlockAll(parts, 'backup');
      const { slow, overtaking } = overtaken(parts, () => appendAs(parts, writer, 'a'));
      expect(await appendAs(slow, writer, 'a')).toEqual({ first: 1, last: 1 });
      expect(await overtaking()).toEqual({ first: 1, last: 1 });
    }));

  test('and that one of them placed anew is called lost by the other alone, which met the fill', () =>
    calmly({}, async ({ parts }) => {
      const writer = await electWriter(parts);
      const { slow, overtaking } = overtaken(parts, () => appendAs(parts, writer, 'a'));
      expect(await appendAs(slow, writer, 'a')).toEqual({ exclusivityLost: { promised: expect.any(Number) } });
      expect(await overtaking()).toEqual({ first: 2, last: 2 });
      expect(await appendAs(parts, writer, 'b')).toEqual({ notElected: true, closed: true });
      expect(await appendAs(parts, await electWriter(parts), 'a')).toEqual({ first: 2, last: 2 });
    }));
});

/** A handler that is about to stage slot 1 when somebody fills it, whom it learns nothing from. */
function overtaken(parts: LogParts, next: () => Promise<Appended>) {
  const learn = () => Promise.reject(new UnreachableError('lost'));
  const unlearned = { ...parts, replicas: parts.replicas.map((replica) => ({ ...replica, learn })) };
  let overtaking: Promise<Appended> | undefined;
  const overtake = async () => {
    await fill(unlearned, { ...prepareFill(await inspectFrom(parts, 1, 1)), position: 1 });
    return next();
  };
  const stage = (replica: Replica) => async (request: StageRequest) => {
    overtaking ??= overtake();
    await overtaking;
    return replica.stage(request);
  };
  const slow = { ...parts, replicas: parts.replicas.map((replica) => ({ ...replica, stage: stage(replica) })) };
  return { slow, overtaking: () => overtaking };
}
