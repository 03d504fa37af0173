/** Throttled and stalled stores: the request's time is used, the writer stays, and the caller is told the truth. */
import { randomUUID } from 'node:crypto';
import { describe, expect, inject, test, vi } from 'vitest';
import { stalledMs } from '../../support/faults.ts';
import { asks, founded, served } from '../../support/log/served.ts';
import { logsWith } from '../../support/log/tables.ts';

/** A log with its writer, on stores of its own. */
async function written() {
  const { room, faults, tables } = await logsWith(inject('dynamodb'), 3);
  const call = served(inject('dynamodb'), tables.main, room);
  const { append, elect, read, status } = asks(call, await founded(call));
  const writer = await elect();
  expect(await append(writer, ['first'])).toMatchObject({ status: 201, body: { first: 1 } });
  // The slowest replica may still be under way.
  const ends = async () => (await status()).body.replicas.map(({ end }: { end: number }) => end);
  await vi.waitFor(async () => expect(await ends()).toEqual([1, 1, 1]), { timeout: 10_000 });
  const replica = (id: number) => faults.replicas[id - 1] ?? expect.fail(`There is no replica ${id}`);
  const throttle = (fault: () => boolean, ...ids: number[]) => {
    for (const id of ids) replica(id).plan = () => (fault() ? 'throttle' : undefined);
  };
  return { append: (entries: string[], key?: string) => append(writer, entries, key), read, faults, throttle, replica };
}

const texts = ({ body }: { body: { items: { data: string }[] } }) =>
  body.items.map(({ data }) => Buffer.from(data, 'base64').toString());

const afterwards = { retryable: true, retryAfterMs: expect.any(Number) };

describe.concurrent('a log whose stores are throttled', () => {
  test('takes an append within the same request once they take it', async () => {
    const { append, throttle } = await written();
    const until = Date.now() + 700;
    throttle(() => Date.now() < until, 1, 2, 3);
    expect(await append(['second'])).toMatchObject({ status: 201, body: { first: 2 } });
    expect(Date.now()).toBeGreaterThanOrEqual(until);
  });

  test('tells that nothing was sent, and the same writer continues: the place is kept for the same request', async () => {
    const { append, throttle, faults, read } = await written();
    for (const one of faults.replicas) one.sent.length = 0;
    let throttled = true;
    throttle(() => throttled, 1, 2, 3);
    const key = randomUUID();
    expect(await append(['second'], key)).toMatchObject({ status: 429, body: { code: 'throttled', ...afterwards } });
    expect(faults.replicas.flatMap(({ sent }) => sent)).toEqual([]);
    throttled = false;
    expect(await append(['second'], key)).toMatchObject({ status: 201, body: { first: 2 } });
    expect(await append(['third'])).toMatchObject({ status: 201, body: { first: 3 } });
    expect(texts(await read())).toEqual(['first', 'second', 'third']);
  });

  test('does not know the outcome once one replica has something; the same writer finds out', async () => {
    const { append, throttle, read } = await written();
    let throttled = true;
    throttle(() => throttled, 2, 3);
    const key = randomUUID();
    const unknown = { status: 503, body: { code: 'outcome_unknown', ...afterwards } };
    expect(await append(['second'], key)).toMatchObject(unknown);
    throttled = false;
    expect(await append(['second'], key)).toMatchObject({ status: 201, body: { first: 2 } });
    expect(texts(await read())).toEqual(['first', 'second']);
  });

  test('and a throttled sequencer, which places nothing', async () => {
    const { append, faults, read } = await written();
    faults.main.plan = (command) => (command === 'UpdateItemCommand' ? 'throttle' : undefined);
    const key = randomUUID();
    expect(await append(['second'], key)).toMatchObject({ status: 429, body: { code: 'throttled', ...afterwards } });
    faults.main.plan = () => undefined;
    expect(await append(['second'], key)).toMatchObject({ status: 201, body: { first: 2 } });
    expect(texts(await read())).toEqual(['first', 'second']);
  });
});

describe.concurrent('a log with a dead connection to one of its stores', () => {
  test.each([1, 2, 3])('appends and reads before replica %i gives it up', async (id) => {
    const { append, read, replica } = await written();
    replica(id).plan = () => 'stall';
    const startedAt = performance.now();
    expect(await append(['second'])).toMatchObject({ status: 201, body: { first: 2 } });
    expect(texts(await read())).toEqual(['first', 'second']);
    expect(performance.now() - startedAt).toBeLessThan(stalledMs);
  });
});
