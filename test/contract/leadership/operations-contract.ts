/** Leadership's operations as callers see them, whatever carries them. */
import { describe, expect, test } from 'vitest';
import { fenceOf, leadership } from './caller.ts';
import type { openRoom } from './room.ts';

export interface Called {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a caller reads is checked by the tests themselves
  readonly body: any;
}

export type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Called>;

export function operationsContract(
  it: { readonly clock: Awaited<ReturnType<typeof openRoom>>['clock'] },
  call: Call,
): void {
  test('a term from contend to resign, as callers see it', async () => {
    const granted = await call('POST', `${leadership}/contend`, {
      contenderId: 'a',
      instanceId: 'process-1',
      leaseMs: 5_000,
    });
    const expiresAt = new Date(it.clock.time + 5_000).toISOString();
    expect(granted).toMatchObject({ status: 200, body: { fencingVersion: 1, leaseMs: 5_000, expiresAt } });
    const fence = fenceOf(granted);
    expect((await call('GET', leadership)).body).toEqual({
      leader: null,
      fencingVersion: 1,
      pending: true,
      addresses: {},
      instanceId: 'process-1',
      availableInMs: 5_251,
      revision: expect.any(String),
    });

    const metadata = { zone: 'a' };
    const confirmedAt = new Date(it.clock.time).toISOString();
    expect(await call('POST', `${leadership}/confirm`, { address: 'x:1', metadata }, fence)).toMatchObject({
      status: 200,
      body: { confirmedAt, expiresAt },
    });
    const leader = {
      contenderId: 'a',
      sessionId: fence['Leader-Session'],
      address: 'x:1',
      metadata,
      confirmedAt,
      expiresAt,
    };
    expect((await call('GET', `${leadership}?consistent=true`)).body).toEqual({
      leader,
      fencingVersion: 1,
      pending: false,
      addresses: {},
      instanceId: 'process-1',
      availableInMs: 5_251,
      revision: expect.any(String),
    });
    expect((await call('GET', '/v1/groups')).body).toEqual({
      items: [{ group: 'orders', leader, fencingVersion: 1, pending: false }],
    });

    it.clock.time += 1_000;
    const renewed = await call('POST', `${leadership}/renew`, {}, fence);
    expect(renewed.body).toEqual({ expiresAt: new Date(it.clock.time + 5_000).toISOString() });

    const held = await call('POST', `${leadership}/contend`, { contenderId: 'b' });
    expect(held).toMatchObject({
      status: 409,
      body: {
        code: 'leadership_held',
        retryable: true,
        retryAfterMs: 5_251,
        holder: { contenderId: 'a', fencingVersion: 1, confirmed: true, expiresAt: renewed.body.expiresAt },
      },
    });

    expect(await call('POST', `${leadership}/resign`, {}, fence)).toMatchObject({ status: 200, body: {} });
    expect(await call('POST', `${leadership}/renew`, {}, fence)).toMatchObject({
      status: 409,
      body: { code: 'leadership_lost', retryable: false, reason: 'resigned', fencingVersion: 1 },
    });
    const terms = await call('GET', `${leadership}/terms`);
    expect(terms.body.items).toEqual([
      {
        fencingVersion: 1,
        contenderId: 'a',
        sessionId: fence['Leader-Session'],
        address: 'x:1',
        grantedAt: confirmedAt,
        confirmedAt,
        leaseMs: 5_000,
        endedAt: new Date(it.clock.time).toISOString(),
        endReason: 'resigned',
      },
    ]);
  });

  test('named addresses as callers see them', async () => {
    const granted = await call('POST', `${leadership}/contend`, { contenderId: 'a' });
    const fence = fenceOf(granted);
    await call('POST', `${leadership}/confirm`, { address: 'x:1' }, fence);
    const rest = `${leadership}/addresses/rest`;
    expect(await call('PUT', rest, { address: 'http://x:8081' }, fence)).toMatchObject({ status: 200, body: {} });
    expect((await call('GET', leadership)).body.addresses).toEqual({ rest: 'http://x:8081' });
    expect(await call('PUT', rest, { address: 'http://x:8081' })).toMatchObject({ status: 428 });
    expect(await call('PUT', rest, { address: 'x'.repeat(513) }, fence)).toMatchObject({ status: 400 });
    expect(await call('PUT', rest, { address: '' }, fence)).toMatchObject({ status: 400 });
    expect(await call('DELETE', rest, undefined, { ...fence, 'Fencing-Version': '9' })).toMatchObject({
      status: 409,
      body: { code: 'leadership_lost' },
    });
    expect(await call('DELETE', rest, undefined, fence)).toMatchObject({ status: 200, body: {} });
    expect((await call('GET', leadership)).body.addresses).toEqual({});
  });

  test('a group that nobody ever led has no leader and version 0', async () => {
    expect((await call('GET', leadership)).body).toEqual({
      leader: null,
      fencingVersion: 0,
      pending: false,
      addresses: {},
      availableInMs: 0,
      revision: expect.any(String),
    });
  });

  describe('two processes with one contender id', () => {
    const contend = (instanceId: string, contenderId = 'a') =>
      call('POST', `${leadership}/contend`, { contenderId, instanceId, leaseMs: 5_000 });

    test('are two contenders: the second waits like any other, and is told why', async () => {
      const first = await contend('process-1');
      expect(await contend('process-1')).toMatchObject({ status: 200, body: { sessionId: first.body.sessionId } });
      const second = await contend('process-2');
      expect(second).toMatchObject({ status: 409, body: { code: 'leadership_held', holder: { contenderId: 'a' } } });
      expect(second.body.detail).toContain('is held by another process with the id "a"');
      expect((await contend('process-2', 'b')).body.detail).toContain('is held by "a"');
    });

    test('without an instance id each request is a process of its own', async () => {
      const ask = (key: string) =>
        call('POST', `${leadership}/contend`, { contenderId: 'a' }, { 'Idempotency-Key': key });
      const first = await ask('one');
      expect((await ask('one')).body.sessionId).toBe(first.body.sessionId);
      expect((await ask('two')).status).toBe(409);
    });
  });

  describe('a hand-over', () => {
    const contend = (contenderId: string) =>
      call('POST', `${leadership}/contend`, { contenderId, instanceId: `process-of-${contenderId}`, leaseMs: 5_000 });

    test('bars the process that resigned for one lease, says so, and lets it lead again when nobody else does', async () => {
      const fence = fenceOf(await contend('a'));
      await call('POST', `${leadership}/resign`, {}, fence);
      const until = new Date(it.clock.time + 5_000).toISOString();
      const barred = { instanceId: 'process-of-a', until };
      expect((await call('GET', leadership)).body).toMatchObject({ availableInMs: 0, barred });
      const refused = await contend('a');
      expect(refused).toMatchObject({ status: 409, body: { holder: null, barred, retryAfterMs: 5_001 } });
      expect(refused.body.detail).toContain('was resigned');
      it.clock.time += 5_001;
      expect(await contend('a')).toMatchObject({ status: 200, body: { fencingVersion: 2 } });
    });

    test.each([
      { force: true, afterMs: 0, until: 5_000 },
      { force: false, afterMs: 5_001, until: 10_000 },
    ])('tells a revoked process of its bar, not of its own term (force: $force)', async ({ force, afterMs, until }) => {
      await contend('a');
      const start = it.clock.time;
      await call('POST', `${leadership}/revoke`, { fencingVersion: 1, reason: 'stuck', force });
      it.clock.time += afterMs;
      const barred = { instanceId: 'process-of-a', until: new Date(start + until).toISOString() };
      const retryAfterMs = start + until + 1 - it.clock.time;
      expect(await contend('a')).toMatchObject({ status: 409, body: { holder: null, barred, retryAfterMs } });
      it.clock.time += retryAfterMs;
      expect(await contend('a')).toMatchObject({ status: 200, body: { fencingVersion: 2 } });
    });

    test('tells a process that resigned in favour of its own name of its bar', async () => {
      const fence = fenceOf(await contend('a'));
      await call('POST', `${leadership}/resign`, { successor: 'a' }, fence);
      const barred = { instanceId: 'process-of-a', until: new Date(it.clock.time + 5_000).toISOString() };
      expect(await contend('a')).toMatchObject({ status: 409, body: { holder: null, barred } });
      expect(await contend('b')).toMatchObject({ status: 409, body: { holder: { contenderId: 'a' } } });
    });

    test('goes to the one who waits, ten of ten times, after a resignation and after a revocation', async () => {
      let [leader, other] = ['a', 'b'];
      let term = await contend(leader);
      for (let round = 1; round <= 10; round += 1) {
        if (round % 2 === 0) await call('POST', `${leadership}/resign`, {}, fenceOf(term));
        else {
          const order = { fencingVersion: term.body.fencingVersion, reason: 'test', force: round % 3 === 0 };
          await call('POST', `${leadership}/revoke`, order);
          if (!order.force) it.clock.time += 5_251;
        }
        expect((await contend(leader)).status).toBe(409);
        term = await contend(other);
        expect(term).toMatchObject({ status: 200, body: { fencingVersion: round + 1 } });
        [leader, other] = [other, leader];
      }
    });

    test('is asked for by an operator, heard of with the next renewal, and goes to the successor alone', async () => {
      const fence = fenceOf(await contend('a'));
      const order = { fencingVersion: 1, successor: 'b' };
      const tried = await call('POST', `${leadership}/hand-over`, { ...order, dryRun: true });
      expect(tried).toMatchObject({ status: 200, body: { contenderId: 'a', asked: false } });
      expect((await call('GET', leadership)).body.handOver).toBeUndefined();
      expect(await call('POST', `${leadership}/hand-over`, order)).toMatchObject({
        status: 200,
        body: { contenderId: 'a' },
      });
      expect((await call('GET', leadership)).body.handOver).toEqual({ successor: 'b' });
      expect((await call('POST', `${leadership}/renew`, {}, fence)).body.handOver).toEqual({ successor: 'b' });
      await call('POST', `${leadership}/resign`, { successor: 'b' }, fence);
      expect((await call('GET', leadership)).body).toMatchObject({ reservedFor: 'b' });
      expect((await contend('c')).body.detail).toContain('is reserved for "b"');
      expect((await contend('b')).status).toBe(200);
      expect((await call('POST', `${leadership}/hand-over`, { fencingVersion: 2 })).status).toBe(200);
      expect((await call('GET', leadership)).body.handOver).toEqual({});
    });

    test.each(['revoke', 'hand-over'])('%s of a term that does not run says what is', async (step) => {
      const more = step === 'revoke' ? { reason: 'test' } : {};
      const ask = (fencingVersion: number) => call('POST', `${leadership}/${step}`, { fencingVersion, ...more });
      expect((await ask(1)).body.detail).toContain('nobody has led it');
      const fence = fenceOf(await contend('a'));
      expect(await ask(99)).toMatchObject({ status: 409, body: { code: 'leadership_lost', fencingVersion: 1 } });
      expect((await ask(99)).body.detail).toBe(
        'Group "orders" has no term 99 yet: the group is at version 1. Nothing was changed.',
      );
      await call('POST', `${leadership}/resign`, {}, fence);
      expect((await ask(1)).body.detail).toContain('over already (resigned): nobody holds the lease');
      await contend('b');
      expect((await ask(1)).body.detail).toContain(
        'Term 1 of group "orders" is over: the group is at version 2, held by "b". To end the running term, give version 2.',
      );
    });
  });
}
