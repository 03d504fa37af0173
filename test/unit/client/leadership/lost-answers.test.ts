import { expect, test } from 'vitest';
import { contestant } from './contestant.ts';

test('a grant whose answer was lost is found again under the same key, and its window counts from the first try', async () => {
  const { elector, link, time, events } = contestant('a');
  link.next('contend', { kind: 'slow', answerMs: 60_000 });
  elector.start();
  await time.advance(2_500);
  const [first, second] = link.requests.filter(({ step }) => step === 'contend');
  expect(second?.key).toBe(first?.key);
  expect(link.service.version).toBe(1);
  expect(events).toEqual(['granted 1', 'confirmed 1']);
  await elector.close();
});

test('a term handed back to a process that was started again counts for what is left of it', async () => {
  for (const [ranMs, renewedAtOnce] of [
    [2_000, 0],
    [8_000, 1],
  ] as const) {
    const earlier = contestant('a', { instanceId: 'process-1' });
    earlier.elector.start();
    await earlier.time.advance(0);
    // The process ends without a word.
    earlier.link.offline = true;
    await earlier.time.advance(ranMs);
    const { elector, link, time, events } = contestant(
      'a',
      { instanceId: 'process-1' },
      earlier.time,
      earlier.link.service,
    );
    elector.start();
    await time.advance(0);
    expect(events).toEqual(['granted 1', 'confirmed 1']);
    expect(link.count('renew')).toBe(renewedAtOnce);
    const leftMs = (link.service.holder?.expiresAt ?? 0) - time.real;
    expect(elector.term?.remainingMs()).toBe(leftMs - 250);
  }
});

test('a lease that has nearly run out when its answer comes counts from a renewal on', async () => {
  const { elector, link, time, events } = contestant('a', { requestTimeoutMs: 2_900 });
  link.next('contend', { kind: 'slow', answerMs: 60_000 });
  link.next('contend', { kind: 'slow', answerMs: 2_800 });
  elector.start();
  await time.advance(5_740);
  expect(events).toEqual([]);
  await time.advance(10);
  expect(events).toEqual(['granted 1', 'confirmed 1']);
  expect(link.count('renew')).toBe(1);
  expect(elector.term?.remainingMs()).toBeGreaterThan(8_700);
});

test('a late duplicate of an earlier request may have been granted the lease: it does not begin when it is found', async () => {
  const other = contestant('b');
  other.elector.start();
  await other.time.advance(0);
  const { elector, link, time, events } = contestant('a', {}, other.time, other.link.service);
  elector.start();
  await time.advance(5_000);
  await other.elector.close();
  const key = link.requests[0]?.key ?? '';
  const { instanceId } = elector;
  link.service.act(
    'contend',
    { contenderId: 'a', instanceId, leaseMs: 9_000 },
    new Headers({ 'Idempotency-Key': key }),
  );
  const keepsToTheLease = () =>
    expect(elector.term?.remainingMs() ?? 0).toBeLessThan((link.service.holder?.expiresAt ?? 0) - time.real);
  for (let renewals = 0; renewals < 50; renewals += 1) link.next('renew', { kind: 'no answer' });
  await time.advance(4_500, keepsToTheLease);
  expect(link.count('contend')).toBe(2);
  expect(elector.isLeader()).toBe(true);
  await time.advance(9_000, keepsToTheLease);
  expect(events).toContain('revoked 2 expired');
});

test('a renewal that fails is tried again inside the deadline', async () => {
  for (const fault of [
    { kind: 'refused' },
    { kind: 'answer lost' },
    { kind: 'no answer' },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429, headers: { 'Retry-After': '1' } },
    { kind: 'status', status: 500, body: '{"message":"Internal Server Error"}' },
  ] as const) {
    const { elector, link, time, events, errors } = contestant('a');
    elector.start();
    await time.advance(2_000);
    link.next('renew', fault);
    await time.advance(30_000, () => expect(elector.isLeader()).toBe(true));
    expect(events).toEqual(['granted 1', 'confirmed 1', 'suspended 1', 'reconnected 1']);
    expect(errors).toHaveLength(1);
    await elector.close();
  }
});

test('a renewal that the throttled service puts off beyond the deadline is tried before it', async () => {
  const { elector, link, time, events } = contestant('a');
  elector.start();
  await time.advance(2_000);
  link.next('renew', { kind: 'status', status: 429, headers: { 'Retry-After': '3600' } });
  await time.advance(20_000);
  expect(events.slice(-2)).toEqual(['suspended 1', 'reconnected 1']);
});

test('an answer that comes after a later renewal does not shorten the lease', async () => {
  const { elector, link, time } = contestant('a');
  elector.start();
  await time.advance(2_999);
  link.next('renew', { kind: 'slow', answerMs: 1_900 });
  await time.advance(1);
  await time.advance(1_900);
  // Counted from when it was sent.
  expect(elector.term?.remainingMs()).toBe(9_000 - 250 - 1_900);
});

test('the term ends at the local deadline, before that of the service, when no answer comes at all', async () => {
  const { elector, link, time, events } = contestant('a', { contendAgain: false });
  elector.start();
  await time.advance(0);
  const expiresAt = link.service.holder?.expiresAt ?? 0;
  for (let renewals = 0; renewals < 50; renewals += 1) link.next('renew', { kind: 'no answer' });
  await time.advance(expiresAt - 250 - 1);
  expect(elector.isLeader()).toBe(true);
  await time.advance(1);
  expect(elector.isLeader()).toBe(false);
  expect(events).toEqual(['granted 1', 'confirmed 1', 'suspended 1', 'revoked 1 expired']);
});

test('a lost answer to a confirmation confirms once', async () => {
  const { elector, link, time, events } = contestant('a');
  link.next('confirm', { kind: 'answer lost' });
  elector.start();
  await time.advance(1_500);
  expect(link.count('confirm')).toBe(2);
  expect(events).toEqual(['granted 1', 'confirmed 1']);
  expect(link.service.holder?.confirmedAt).toBe(0);
});

test('a lost answer to a resignation is no error', async () => {
  const { elector, link, time, errors } = contestant('a');
  elector.start();
  await time.advance(1_000);
  link.next('resign', { kind: 'answer lost' });
  const closed = elector.close();
  await time.advance(2_000);
  await closed;
  expect(link.count('resign')).toBe(2);
  expect(link.service.ended).toEqual({ version: 1, reason: 'resigned' });
  expect(errors).toEqual([]);
});

test('while the service cannot be reached, contending backs off up to 30 s and continues', async () => {
  const { elector, link, time, events, errors } = contestant('a');
  link.offline = true;
  elector.start();
  await time.advance(600_000);
  expect(link.count('contend')).toBeLessThan(600);
  expect(errors.length).toBeGreaterThan(5);
  expect(errors[0]).toMatchObject({ code: 'unreachable', retryable: true });
  link.offline = false;
  await time.advance(31_000);
  expect(events).toEqual(['granted 1', 'confirmed 1']);
});
