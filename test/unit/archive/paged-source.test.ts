import { expect, test } from 'vitest';
import { pagedSource } from '../../../archive/paged-source.ts';

test('a reader that stops is released once the page being fetched has arrived or failed', async () => {
  for (const outcome of ['arrives', 'fails']) {
    const done: string[] = [];
    const source = pagedSource(async (cursor) => {
      for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
      done.push(cursor ?? 'first');
      if (outcome === 'fails' && cursor !== undefined) throw new Error('played');
      return { entries: [], nextCursor: 'next' };
    });
    for await (const batch of source.batches(undefined)) {
      expect(batch).toEqual({ entries: [], after: 'next' });
      break;
    }
    expect(done).toEqual(['first', 'next']);
  }
});
