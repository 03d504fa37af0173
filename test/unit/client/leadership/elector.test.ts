import { expect, test } from 'vitest';
import { contestant, contestantOn } from './contestant.ts';

test('contends, lets the owner get ready, confirms, and renews every third of the lease', async () => {
  let ready = () => {};
  const { elector, link, time, events } = contestant('a', {
    prepare: () => new Promise<void>((resolve) => (ready = resolve)),
  });
  expect(elector.isLeader()).toBe(false);
  elector.start();
  await time.advance(0);
  expect(events).toEqual(['granted 1']);
  expect(elector.isLeader()).toBe(true);
  expect(elector.confirmedSessionId).toBeNull();
  expect(link.count('confirm')).toBe(0);

  ready();
  await time.advance(0);
  expect(events).toEqual(['granted 1', 'confirmed 1']);
  expect(elector.confirmedSessionId).toBe(link.service.holder?.sessionId);
  expect(link.requests.find(({ step }) => step === 'confirm')?.body).toEqual({ address: 'a:80' });

  const before = link.requests.length;
  await time.advance(30_000);
  expect(link.requests.slice(before).map(({ step, at }) => [step, at])).toEqual(
    [3_000, 6_000, 9_000, 12_000, 15_000, 18_000, 21_000, 24_000, 27_000, 30_000].map((at) => ['renew', at]),
  );
  expect(link.requests.at(-1)?.body).toEqual({ leaseMs: 9_000, address: 'a:80' });
  expect(elector.isLeader()).toBe(true);
  await elector.close();
});

test('a slow callback stalls neither the renewals nor the loss; no term begins before it has returned', async () => {
  let stopped = () => {};
  let prepared = () => {};
  const { elector, link, time, events, errors } = contestant('a', {
    prepare: () => new Promise<void>((resolve) => (prepared = resolve)),
    onRevoked: () => new Promise<void>((resolve) => (stopped = resolve)),
  });
  elector.start();
  await time.advance(60_000);
  expect(link.count('renew')).toBe(20);
  expect(elector.isLeader()).toBe(true);
  link.service.revoke();
  await time.advance(30_000);
  expect(events).toEqual(['granted 1', 'revoked 1 revoked']);
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('has not returned') })]);
  stopped();
  await time.advance(1_000);
  expect(link.count('contend')).toBe(1);
  prepared();
  await time.advance(9_000);
  expect(events.slice(2).filter((event) => event !== 'waiting')).toEqual(['granted 2']);
});

test('who waits looks every third of the lease, and takes over after it', async () => {
  const a = contestant('a');
  const b = contestant('b', {}, a.time, a.link.service);
  a.elector.start();
  await a.time.advance(0);
  b.elector.start();
  await a.time.advance(90_000);
  // It asks once, and then looks every third of the lease.
  expect(b.link.count('contend')).toBe(1);
  expect(b.link.count('observe')).toBeGreaterThanOrEqual(29);
  expect(b.link.count('observe')).toBeLessThanOrEqual(31);
  expect(b.events.every((event) => event === 'waiting')).toBe(true);

  a.link.offline = true;
  const lostAt = a.time.real;
  await a.time.advance(9_800);
  expect(a.events).toEqual(['granted 1', 'confirmed 1', 'suspended 1', 'revoked 1 expired']);
  expect(b.events.slice(-2)).toEqual(['granted 2', 'confirmed 2']);
  expect(b.link.requests.find(({ step }) => step === 'confirm')?.at).toBeLessThanOrEqual(lostAt + 9_000 + 250 + 250);
  expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([false, true]);
});

test('one window never overlaps the next, whenever the leader loses its connection', async () => {
  for (let lostAfter = 0; lostAfter < 3_500; lostAfter += 250) {
    const a = contestant('a');
    const b = contestant('b', {}, a.time, a.link.service);
    a.elector.start();
    await a.time.advance(0);
    b.elector.start();
    await a.time.advance(lostAfter);
    a.link.offline = true;
    let together = 0;
    await a.time.advance(14_000, () => {
      if (a.elector.isLeader() && b.elector.isLeader()) together += 1;
    });
    expect(together).toBe(0);
    expect(b.elector.isLeader()).toBe(true);
  }
});

test('is told why the term was lost', async () => {
  for (const [reason, lose] of [
    ['revoked', (service: { revoke(): void }) => service.revoke()],
    [
      'superseded',
      (service: { version: number; holder: unknown }) => {
        service.version += 3;
        service.holder = undefined;
      },
    ],
  ] as const) {
    const { elector, link, time, events } = contestant('a', { contendAgain: false });
    elector.start();
    await time.advance(1_000);
    const { term } = elector;
    lose(link.service);
    await time.advance(2_000);
    expect(events).toEqual(['granted 1', 'confirmed 1', `revoked 1 ${reason}`]);
    expect(elector.isLeader()).toBe(false);
    expect(elector.confirmedSessionId).toBeNull();
    expect(term?.signal.aborted).toBe(true);
    expect(term?.signal.reason).toMatchObject({ name: 'LeadershipLostError', loss: { reason } });
    await time.advance(60_000);
    expect(link.count('contend')).toBe(1);
  }
});

test('contends again after a loss, and a term of its own is never handed back', async () => {
  const { elector, link, time, events } = contestant('a');
  elector.start();
  await time.advance(1_000);
  link.offline = true;
  // The holder's window ends 250 ms before the lease at the service; in between the service would hand the old term
  // back.
  await time.advance(7_800);
  expect(events.at(-1)).toBe('revoked 1 expired');
  link.offline = false;
  await time.advance(10_000);
  expect(events.slice(-2)).toEqual(['granted 2', 'confirmed 2']);
  expect(events.filter((event) => event.startsWith('granted'))).toHaveLength(2);
});

test('nor is the term of an elector before it, given back or not', async () => {
  const before = contestant('a', { instanceId: 'process-1' });
  before.elector.start();
  await before.time.advance(1_000);
  const { link, time } = before;
  const previousSessionId = link.service.holder?.sessionId;
  link.offline = true;
  const closing = before.elector.close().catch(() => {});
  await time.advance(4_000);
  await closing;
  link.offline = false;
  link.next('resign', { kind: 'status', status: 500 });
  const { elector, events } = contestantOn('a', link, time, { instanceId: 'process-1', previousSessionId });
  elector.start();
  await time.advance(1_000);
  expect(events).toEqual([]);
  expect(link.service.live).toBe(true);
  await time.advance(2_500);
  expect(events).toEqual(['granted 2', 'confirmed 2']);
});

test('a leader that cannot get ready gives the lease back and leaves it to others for a while', async () => {
  const { elector, link, time, events, errors } = contestant('a', {
    prepare: (term) => {
      if (term.fencingVersion === 1) throw new Error('no database');
    },
  });
  elector.start();
  await time.advance(8_900);
  expect(events.filter((event) => event !== 'waiting')).toEqual(['granted 1', 'revoked 1 resigned']);
  expect(errors).toEqual([new Error('no database')]);
  expect(link.service.holder).toBeUndefined();
  await time.advance(4_000);
  expect(events.slice(-2)).toEqual(['granted 2', 'confirmed 2']);
});

test('a refused confirmation gives the lease back; one that can succeed later is tried again', async () => {
  const { elector, link, time, events } = contestant('a');
  link.next('confirm', { kind: 'status', status: 503 });
  elector.start();
  await time.advance(1_000);
  expect(events).toEqual(['granted 1', 'confirmed 1']);
  expect(link.count('confirm')).toBe(2);
  await elector.close();

  const other = contestant('b');
  other.link.next('confirm', { kind: 'status', status: 403, body: '{"message":"Forbidden"}' });
  other.elector.start();
  await other.time.advance(1_000);
  expect(other.events).toEqual(['granted 1', 'revoked 1 resigned', 'waiting']);
  expect(other.errors[0]).toMatchObject({ code: 'forbidden' });
});

test('resigns in favour of a successor and contends again later', async () => {
  const { elector, link, time, events } = contestant('a');
  elector.start();
  await time.advance(1_000);
  const resigned = elector.resign({ successor: 'b' });
  await time.advance(100);
  await resigned;
  expect(link.requests.find(({ step }) => step === 'resign')?.body).toEqual({ successor: 'b' });
  // It asks again, and is told that others come first.
  expect(events.slice(-2)).toEqual(['revoked 1 resigned', 'waiting']);
  await elector.resign();
  await time.advance(8_000);
  expect(link.service.version).toBe(1);
  await time.advance(5_000);
  expect(events.slice(-2)).toEqual(['granted 2', 'confirmed 2']);
});

test('runIfLeader gives the term and a signal that fires when it is over', async () => {
  const { elector, link, time } = contestant('a', { contendAgain: false });
  expect(await elector.runIfLeader(() => 'work')).toEqual({ ran: false });
  elector.start();
  await time.advance(0);
  expect(await elector.runIfLeader((term) => term.fencingVersion)).toEqual({ ran: true, value: 1 });
  const work = elector.runIfLeader(
    (_term, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('stopped'))),
  );
  link.service.revoke();
  await time.advance(3_000);
  expect(await work).toEqual({ ran: true, value: 'stopped' });
  await expect(elector.runIfLeader(() => 'work')).resolves.toEqual({ ran: false });
});

test('a second start is refused', () => {
  const { elector } = contestant('a');
  elector.start();
  expect(() => elector.start()).toThrow('started already');
});
