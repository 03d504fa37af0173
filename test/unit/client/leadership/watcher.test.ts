import { expect, test } from 'vitest';
import { type LeaderView, LeaderWatcher } from '../../../../client/leadership/watcher.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';
import { FakeLink } from '../fake-service.ts';
import { contestant } from './contestant.ts';

test('gives the present view and each change, not every renewal, and continues after errors', async () => {
  const { elector, link, time } = contestant('a', { contendAgain: false });
  const watching = new FakeLink(link.service);
  const client = new TenureClient({ url: 'http://fake', fetch: watching.fetch, time, random: () => 0.5 });
  const stop = new AbortController();
  const views: LeaderView[] = [];
  const errors: unknown[] = [];
  const options = {
    client,
    group: 'orders',
    signal: stop.signal,
    onError: (error: unknown) => void errors.push(error),
  };
  const watcher = (async () => {
    for await (const view of new LeaderWatcher(options)) views.push(view);
  })();
  await time.advance(5_000);
  expect(views).toMatchObject([{ leader: null, fencingVersion: 0, pending: false }]);
  elector.start();
  await time.advance(20_000);
  expect(views.slice(1)).toMatchObject([{ leader: { contenderId: 'a' }, fencingVersion: 1 }]);
  watching.next('observe', { kind: 'status', status: 403 });
  await time.advance(5_000);
  expect(errors).toMatchObject([{ code: 'forbidden' }]);
  const closed = elector.close();
  await time.advance(2_000);
  await closed;
  expect(views.slice(2)).toMatchObject([{ leader: null, fencingVersion: 1 }]);
  expect(watching.count('observe')).toBe(33);
  stop.abort();
  await watcher;
  expect(time.pendingTimers).toBe(0);
});

test('without onError the first error ends the watch', async () => {
  const { link, time } = contestant('a');
  link.next('observe', { kind: 'status', status: 403 });
  const client = new TenureClient({ url: 'http://fake', fetch: link.fetch, time });
  const watcher = new LeaderWatcher({ client, group: 'orders' });
  await expect(watcher[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'forbidden' });
});

/** A service that holds requests: the test says what each of them is answered, and when. */
function scripted(answers: (() => Promise<object>)[]) {
  const { time } = contestant('a');
  const asked: { at: number; query: Record<string, string> }[] = [];
  const base = { leader: null, pending: false, addresses: {}, availableInMs: 0 };
  const fetch = async (input: string | URL | Request, { signal }: RequestInit = {}) => {
    const { searchParams } = new URL(String(input));
    asked.push({ at: time.monotonic(), query: Object.fromEntries(searchParams) });
    const answer = answers.shift() ?? (() => new Promise<object>(() => {}));
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const given = await Promise.race([answer(), aborted]);
    const { held, ...view } = given as { held?: boolean };
    return Response.json({ ...base, ...view, ...(searchParams.has('waitMs') && { held }) });
  };
  const client = new TenureClient({ url: 'http://fake', fetch: fetch as typeof globalThis.fetch, time });
  return { client, time, asked };
}

async function collect(watcher: LeaderWatcher, into: number[]) {
  for await (const { fencingVersion } of watcher) into.push(fencingVersion);
}

test('asks the service to hold the next request until something is after what it saw', async () => {
  let change: (view: object) => void = () => {};
  const held = () => new Promise<object>((resolve) => (change = resolve));
  const { client, time, asked } = scripted([async () => ({ fencingVersion: 1, revision: '1-a' }), held, held]);
  const stop = new AbortController();
  const seen: number[] = [];
  const watching = collect(new LeaderWatcher({ client, group: 'orders', signal: stop.signal }), seen);
  await time.advance(15_000);
  expect(asked.map(({ at, query }) => [at - (asked[0]?.at ?? 0), query['afterRevision'], query['waitMs']])).toEqual([
    [0, undefined, undefined],
    [1_000, '1-a', '20000'],
  ]);
  change({ fencingVersion: 2, revision: '2-b', held: true });
  await time.advance(10);
  expect(seen).toEqual([1, 2]);
  expect(asked[2]?.query).toMatchObject({ afterRevision: '2-b', waitMs: '20000' });
  stop.abort();
  await watching;
  expect(time.pendingTimers).toBe(0);
});

test('never asks more than once in its time, however fast the answers are', async () => {
  const fast = Array.from({ length: 6 }, (_, at) => async () => ({
    fencingVersion: at,
    revision: `${at}-a`,
    held: true,
  }));
  const { client, time, asked } = scripted(fast);
  const stop = new AbortController();
  const seen: number[] = [];
  const watching = collect(new LeaderWatcher({ client, group: 'orders', everyMs: 500, signal: stop.signal }), seen);
  await time.advance(2_100);
  expect(asked.map(({ at }) => at - (asked[0]?.at ?? 0))).toEqual([0, 500, 1_000, 1_500, 2_000]);
  stop.abort();
  await watching;
});

test('polls for a minute where another request of the caller is held, and always with waitMs: 0', async () => {
  const crowded = Array.from({ length: 80 }, () => async () => ({ fencingVersion: 1, revision: '1-a', held: false }));
  const { client, time, asked } = scripted(crowded);
  const stop = new AbortController();
  const watching = collect(new LeaderWatcher({ client, group: 'orders', signal: stop.signal }), []);
  await time.advance(60_500);
  expect(asked).toHaveLength(61);
  expect(asked.filter(({ query }) => 'waitMs' in query)).toHaveLength(1);
  await time.advance(1_000);
  expect(asked.filter(({ query }) => 'waitMs' in query)).toHaveLength(2);
  stop.abort();
  await watching;
  const before = asked.length;
  const plain = new AbortController();
  const polling = collect(new LeaderWatcher({ client, group: 'orders', waitMs: 0, signal: plain.signal }), []);
  await time.advance(3_500);
  expect(asked.slice(before).map(({ query }) => query)).toEqual(Array(4).fill({ consistent: 'false' }));
  plain.abort();
  await polling;
});
