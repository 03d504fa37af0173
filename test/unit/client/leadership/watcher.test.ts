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
