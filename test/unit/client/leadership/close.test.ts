import { expect, test } from 'vitest';
import type { Term } from '../../../../client/leadership/term.ts';
import { contestant } from './contestant.ts';

/** Work that ends with its term. */
const untilTheEnd = ({ signal }: Term) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));

test('close before the start: nothing happened, and a start is refused', async () => {
  const { elector, link } = contestant('a');
  await elector.close();
  expect(() => elector.start()).toThrow('is closed');
  expect(link.requests).toEqual([]);
});

test('close while leading: onRevoked, then the resignation, then nothing more', async () => {
  const order: string[] = [];
  const { elector, link, time, events } = contestant('a', {
    onRevoked: async () => {
      await Promise.resolve();
      order.push(`revoked, resigned ${link.count('resign')} times`);
    },
  });
  elector.start();
  await time.advance(1_000);
  const closed = elector.close();
  expect(elector.isLeader()).toBe(false);
  await time.advance(0);
  await closed;
  expect(order).toEqual(['revoked, resigned 0 times']);
  expect(events).toEqual(['granted 1', 'confirmed 1', 'revoked 1 closed']);
  expect(link.service.ended).toEqual({ version: 1, reason: 'resigned' });
  const after = link.requests.length;
  await elector.close();
  await time.advance(60_000);
  expect(link.requests).toHaveLength(after);
  expect(events).toHaveLength(3);
  expect(time.pendingTimers).toBe(0);
});

test('close while a request for the lease is under way waits for it and gives back what it was granted', async () => {
  const { elector, link, time, events } = contestant('a');
  link.next('contend', { kind: 'slow', requestMs: 500, answerMs: 500 });
  elector.start();
  await time.advance(100);
  let closed = false;
  const closing = elector.close().then(() => {
    closed = true;
  });
  await time.advance(800);
  expect(closed).toBe(false);
  expect(link.service.version).toBe(1);
  await time.advance(200);
  await closing;
  expect(events).toEqual([]);
  expect(link.service.holder).toBeUndefined();
});

test('close while such a request is refused, or has no answer, ends', async () => {
  for (const kind of ['refused', 'no answer', 'answer lost'] as const) {
    const { elector, link, time, events } = contestant('a');
    link.next('contend', { kind });
    elector.start();
    await time.advance(1);
    const closing = elector.close();
    await time.advance(10_000);
    await closing;
    expect(events).toEqual([]);
    expect(link.service.holder).toBeUndefined();
    expect(time.pendingTimers).toBe(0);
  }
});

test('close while waiting for another ends the waiting', async () => {
  const a = contestant('a');
  const b = contestant('b', {}, a.time, a.link.service);
  a.elector.start();
  await a.time.advance(0);
  b.elector.start();
  await a.time.advance(1_000);
  await b.elector.close();
  expect(b.link.count('contend')).toBe(1);
  expect(b.link.count('resign')).toBe(0);
});

test('close while the leader gets ready, is being confirmed, or renews', async () => {
  for (const step of ['confirm', 'renew'] as const) {
    const { elector, link, time, events, errors } = contestant('a');
    elector.start();
    if (step === 'renew') await time.advance(2_999);
    link.next(step, { kind: 'slow', answerMs: 1_000 });
    await time.advance(2);
    const closing = elector.close();
    await time.advance(2_000);
    await closing;
    expect(events.at(-1)).toBe('revoked 1 closed');
    expect(link.count('resign')).toBe(1);
    expect(errors).toEqual([]);
  }
  const { elector, link, time, events } = contestant('a', { prepare: untilTheEnd });
  elector.start();
  await time.advance(100);
  const closing = elector.close();
  await time.advance(100);
  await closing;
  expect(events).toEqual(['granted 1', 'revoked 1 closed']);
  expect([link.count('confirm'), link.count('resign')]).toEqual([0, 1]);
});

test('close after the loss does not call onRevoked again', async () => {
  const { elector, link, time, events } = contestant('a', { contendAgain: false });
  elector.start();
  await time.advance(1_000);
  link.service.revoke();
  await time.advance(3_000);
  await elector.close();
  expect(events.filter((event) => event.startsWith('revoked'))).toEqual(['revoked 1 revoked']);
});

test('close waits for onRevoked as long as the lease lasts, and then gives it back all the same', async () => {
  const { elector, link, time } = contestant('a', { onRevoked: () => new Promise(() => {}) });
  elector.start();
  await time.advance(1_000);
  let closed = false;
  const closing = elector.close().then(() => {
    closed = true;
  });
  await time.advance(7_000);
  expect([closed, link.count('resign')]).toEqual([false, 0]);
  await time.advance(1_000);
  await closing;
  expect(link.count('resign')).toBe(1);
});

test('a callback that fails after close still reaches onError, and calls nothing else', async () => {
  let fail = (_error: Error) => {};
  const { elector, time, events, errors } = contestant('a', {
    onGranted: () => new Promise((_, reject) => (fail = reject)),
  });
  elector.start();
  await time.advance(100);
  const closing = elector.close();
  await time.advance(100);
  await closing;
  fail(new Error('late'));
  await time.advance(60_000);
  expect(errors).toEqual([new Error('late')]);
  expect(events).toEqual(['granted 1', 'confirmed 1', 'revoked 1 closed']);
});

test('every step of closing runs; the first error is thrown with the others', async () => {
  const { elector, link, time } = contestant('a', {
    onRevoked: () => {
      throw new Error('the work would not stop');
    },
  });
  elector.start();
  await time.advance(1_000);
  link.offline = true;
  const closing = elector.close();
  const outcome = expect(closing).rejects.toMatchObject({
    message: 'the work would not stop',
    suppressed: [expect.objectContaining({ code: 'unreachable' })],
  });
  await time.advance(10_000);
  await outcome;
  expect(link.count('resign')).toBeGreaterThan(1);
  await expect(elector.close()).rejects.toThrow('the work would not stop');
});
