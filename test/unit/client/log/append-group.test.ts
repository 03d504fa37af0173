import { expect, test } from 'vitest';
import { LogWriter } from '../../../../client/log/log-writer.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';

/** A writer whose requests wait for `release`; each answer is one of `answers`, or the next positions. */
function writerWith(...answers: (object | undefined)[]) {
  const bodies: string[][] = [];
  const waiting: (() => void)[] = [];
  let next = 1;
  const fetch = async (url: string | URL, { body }: RequestInit = {}) => {
    if (String(url).endsWith('/writer')) {
      return Response.json({ writerId: '0190a1b2-c3d4-7000-8000-000000000001', ballot: 1, position: 0 });
    }
    const { entries, to } = JSON.parse(String(body)) as { entries?: string[]; to?: number };
    bodies.push(entries ? entries.map((entry) => Buffer.from(entry, 'base64').toString()) : [`to ${to}`]);
    await new Promise<void>((resolve) => waiting.push(resolve));
    const problem = answers.shift();
    if (problem)
      return Response.json(problem, { status: 409, headers: { 'Content-Type': 'application/problem+json' } });
    const first = next;
    next += entries?.length ?? 1;
    return Response.json(entries ? { first, last: next - 1 } : { position: first }, { status: entries ? 201 : 200 });
  };
  const client = new TenureClient({ url: 'http://127.0.0.1', fetch: fetch as typeof globalThis.fetch });
  const release = async () => {
    await expect.poll(() => waiting.length).toBeGreaterThan(0);
    waiting.shift()?.();
  };
  return { writer: new LogWriter({ client, group: 'g', log: 'l' }), bodies, release };
}

test('appends that are called while a request is under way share the next one, in their order', async () => {
  const { writer, bodies, release } = writerWith();
  const first = writer.append(['a']);
  await expect.poll(() => bodies.length).toBe(1);
  const others = [writer.append(['b', 'c']), writer.append(['d'])];
  await release();
  await release();
  expect(await first).toEqual({ first: 1, last: 1 });
  expect(await Promise.all(others)).toEqual([
    { first: 2, last: 3 },
    { first: 4, last: 4 },
  ]);
  expect(bodies).toEqual([['a'], ['b', 'c', 'd']]);
});

test('a call after a truncation or a named append comes after it', async () => {
  const { writer, bodies, release } = writerWith();
  const all = [
    writer.append(['a']),
    writer.append(['b']),
    writer.truncate(1),
    writer.append(['c']),
    writer.append(['d'], { idempotencyKey: 'named' }),
    writer.append(['e']),
  ];
  for (let request = 0; request < 5; request += 1) await release();
  await Promise.all(all);
  expect(bodies).toEqual([['a', 'b'], ['to 1'], ['c'], ['d'], ['e']]);
});

test('a request carries at most 64 entries', async () => {
  const { writer, bodies, release } = writerWith();
  const all = Array.from({ length: 5 }, (_, at) => writer.append(Array.from({ length: 20 }, () => `${at}`)));
  await release();
  await release();
  await Promise.all(all);
  expect(bodies.map(({ length }) => length)).toEqual([60, 40]);
});

test('after a rival came between, nothing of any of them is in the log', async () => {
  const problem = { code: 'exclusivity_lost', status: 409, title: 't', detail: 'd', retryable: false };
  const { writer, release } = writerWith(problem, problem);
  const outcomes = Promise.allSettled([writer.append(['a']), writer.append(['b', 'c'])]);
  await release();
  await release();
  const lost = { status: 'rejected', reason: { code: 'exclusivity_lost' } };
  expect(await outcomes).toMatchObject([lost, lost]);
});
