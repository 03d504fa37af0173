import { expect, test } from 'vitest';
import { type LockOptions, withLock } from '../../../../client/leadership/lock.ts';
import type { Term } from '../../../../client/leadership/term.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';
import { ManualTime } from '../../../support/manual-time.ts';
import { FakeLink, FakeService } from '../fake-service.ts';

function scene() {
  const time = new ManualTime();
  const service = new FakeService(time);
  const link = new FakeLink(service);
  const client = new TenureClient({ url: 'http://fake', fetch: link.fetch, time, random: () => 0.5 });
  const lock = <Value>(act: (term: Term) => Value | Promise<Value>, options: LockOptions = {}) =>
    withLock(client, 'orders', act, { leaseMs: 9_000, requestTimeoutMs: 2_000, ...options });
  return { time, service, link, lock };
}

/** Work that ends when the test says so. */
function work() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end, ended };
}

test('runs the work with a fence, returns its result, and gives the lock back', async () => {
  const { time, service, lock } = scene();
  const result = lock(async (term) => `version ${term.fencingVersion} ${term.isLeader()}`);
  await time.advance(10);
  expect(await result).toBe('version 1 true');
  expect(service.live).toBe(false);
});

test('the work of a second begins when that of the first has ended, with the next version', async () => {
  const { time, lock } = scene();
  const first = work();
  const order: string[] = [];
  const one = lock(async (term) => {
    order.push(`begin ${term.fencingVersion}`);
    await first.ended;
    order.push(`end ${term.fencingVersion}`);
  });
  await time.advance(10);
  const two = lock((term) => void order.push(`begin ${term.fencingVersion}`));
  await time.advance(30_000);
  expect(order).toEqual(['begin 1']);
  first.end();
  await time.advance(10_000);
  await Promise.all([one, two]);
  expect(order).toEqual(['begin 1', 'end 1', 'begin 2']);
});

test.each([
  [0, 'at once'],
  [5_000, 'after the wait'],
])('with waitMs %d it fails with leadership_held %s while another holds the lock', async (waitMs) => {
  const { time, lock } = scene();
  const first = work();
  const one = lock(() => first.ended);
  await time.advance(10);
  const began = time.real;
  let gaveUpAt = Number.NaN;
  const two = lock(() => expect.fail('it is held'), { waitMs }).catch((error: unknown) => {
    gaveUpAt = time.real - began;
    return error;
  });
  await time.advance(8_000);
  expect(await two).toMatchObject({ code: 'leadership_held' });
  expect(gaveUpAt).toBe(waitMs);
  first.end();
  await time.advance(10);
  await one;
});

test('an error of the work is thrown, and the lock given back', async () => {
  const { time, service, lock } = scene();
  const failing = lock(() => {
    throw new Error('no space left');
  }).catch((error: unknown) => error);
  await time.advance(10);
  expect(await failing).toMatchObject({ message: 'no space left' });
  expect(service.live).toBe(false);
});

test('when the lock is lost the signal aborts, and the result of the work does not count', async () => {
  const { time, service, lock } = scene();
  const stopped = lock(
    (term) => new Promise<string>((resolve) => term.signal.addEventListener('abort', () => resolve('stopped'))),
  ).catch((error: unknown) => error);
  await time.advance(10);
  service.revoke();
  await time.advance(4_000);
  expect(await stopped).toMatchObject({ name: 'LeadershipLostError', loss: { reason: 'revoked' } });
});

test('a signal ends the wait, or the work, with its reason', async () => {
  const { time, service, lock } = scene();
  const ending = new AbortController();
  let stopped = false;
  const one = lock(
    (term) =>
      new Promise<void>((resolve) => {
        term.signal.addEventListener('abort', () => {
          stopped = true;
          resolve();
        });
      }),
    { signal: ending.signal },
  ).catch((error: unknown) => error);
  await time.advance(10);
  const two = lock(() => expect.fail('it is held'), { signal: ending.signal }).catch((error: unknown) => error);
  await time.advance(10);
  ending.abort(new Error('shutting down'));
  await time.advance(10);
  expect(await one).toMatchObject({ message: 'shutting down' });
  expect(await two).toMatchObject({ message: 'shutting down' });
  expect(stopped).toBe(true);
  expect(service.live).toBe(false);
});
