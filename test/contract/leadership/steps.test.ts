import { beforeEach, describe, expect, test } from 'vitest';
import { confirm, renew, resign, revoke } from '../../../leadership/leadership.ts';
import { reaches } from '../../support/marks.ts';
import { leaseMs, openRoom, problemOf, skewMs } from './room.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
beforeEach(async () => {
  it = await openRoom();
});

const group = 'orders';
const published = { address: '10.0.0.1:80', metadata: { zone: 'a' } };

describe('contend', () => {
  test('grants version 1 in a new group and rises by one with every grant', async () => {
    for (const version of [1, 2, 3]) {
      const term = await it.contend(`contender-${version}`);
      expect(term).toMatchObject({ fencingVersion: version, leaseMs, expiresAt: it.clock.time + leaseMs });
      it.clock.time = term.expiresAt + skewMs + 1;
    }
  });

  test('waits for expiry plus the allowance for skew, and tells losers how long', async () => {
    const { expiresAt } = await it.contend('a');
    const { code, members } = await problemOf(it.contend('b'));
    expect(code).toBe('leadership_held');
    expect(members).toMatchObject({
      holder: { contenderId: 'a', fencingVersion: 1, confirmed: false, expiresAt: new Date(expiresAt).toISOString() },
      retryAfterMs: leaseMs + skewMs + 1,
    });
    it.clock.time = expiresAt + skewMs;
    expect((await problemOf(it.contend('b'))).code).toBe('leadership_held');
    it.clock.time += 1;
    expect(await it.contend('b')).toMatchObject({ fencingVersion: 2 });
  });

  test('gives the holder of the live term the same term again, its lease unchanged, and says what is left of it', async () => {
    const term = await it.contend('a');
    expect(term.remainingMs).toBe(leaseMs);
    it.clock.time += 3_000;
    expect(await it.contend('a')).toEqual({ ...term, remainingMs: leaseMs - 3_000 });
  });

  test('a late duplicate of a request grants nothing', async () => {
    reaches('contended-with-an-ended-request');
    const term = await it.contend('a', 'first');
    await resign(it.room, group, term, {}, 'bye');
    const { code, members } = await problemOf(it.contend('a', 'first'));
    expect(code).toBe('leadership_lost');
    expect(members).toEqual({ reason: 'resigned', fencingVersion: 1 });
  });

  test('a request id that a rival uses too does not tell the rival that the running term has ended', async () => {
    await it.contend('a', 'first');
    const { code, members } = await problemOf(it.contend('b', 'first'));
    expect({ code, holder: members['holder'] }).toMatchObject({
      code: 'leadership_held',
      holder: { contenderId: 'a', fencingVersion: 1 },
    });
  });

  test('gives 30 contenders at once one winner', async () => {
    const results = await Promise.allSettled(Array.from({ length: 30 }, (_, at) => it.contend(`contender-${at}`)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    it.clock.time += leaseMs + skewMs + 1;
    const again = await Promise.allSettled(Array.from({ length: 30 }, (_, at) => it.contend(`contender-${at}`)));
    expect(again.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await it.room.store.read(group, true)).toMatchObject({ fencingVersion: 2 });
  });
});

describe('confirm and renew', () => {
  test('confirm publishes once; confirmed again it keeps the instant and takes the new address', async () => {
    const term = await it.contend('a');
    const first = await confirm(it.room, group, term, published);
    it.clock.time += 100;
    const again = await confirm(it.room, group, term, { address: 'elsewhere' });
    expect(again).toEqual({ confirmedAt: first.confirmedAt, expiresAt: term.expiresAt });
    expect((await it.room.store.read(group, true))?.holder).toMatchObject({ address: 'elsewhere' });
  });

  test('a late confirmation of an old session changes nothing', async () => {
    const old = await it.contend('a');
    it.clock.time += leaseMs + skewMs + 1;
    const term = await it.contend('b');
    expect(await problemOf(confirm(it.room, group, old, published))).toMatchObject({
      code: 'leadership_lost',
      members: { reason: 'superseded', fencingVersion: 2 },
    });
    expect((await it.room.store.read(group, true))?.holder).toMatchObject({
      sessionId: term.sessionId,
      contenderId: 'b',
    });
  });

  test('a renewal extends from now and may change the length', async () => {
    const term = await it.contend('a');
    it.clock.time += 4_000;
    expect(await renew(it.room, group, term, {})).toEqual({ expiresAt: it.clock.time + leaseMs });
    expect(await renew(it.room, group, term, { leaseMs: 20_000 })).toEqual({ expiresAt: it.clock.time + 20_000 });
    it.clock.time += 1;
    expect(await renew(it.room, group, term, {})).toEqual({ expiresAt: it.clock.time + 20_000 });
  });

  test.each([{ leaseMs }, {}])('a delayed renewal with %j never shortens the lease', async (renewal) => {
    const term = await it.contend('a');
    it.clock.time += 4_000;
    const { expiresAt } = await renew(it.room, group, term, renewal);
    it.clock.time -= 2_000;
    expect(await renew(it.room, group, term, renewal)).toEqual({ expiresAt });
    expect(await it.room.store.read(group, true)).toMatchObject({ expiresAt });
  });

  test('a term that expired never resumes, even when nobody took it', async () => {
    const term = await it.contend('a');
    it.clock.time = term.expiresAt;
    expect(await problemOf(renew(it.room, group, term, {}))).toMatchObject({
      code: 'leadership_lost',
      members: { reason: 'expired', fencingVersion: 1 },
    });
  });
});

describe('resign and revoke', () => {
  test('a resigned lease is free at once and the version survives', async () => {
    const term = await it.contend('a');
    await resign(it.room, group, term, {}, 'bye');
    expect((await problemOf(renew(it.room, group, term, {}))).members).toEqual({
      reason: 'resigned',
      fencingVersion: 1,
    });
    expect(await it.contend('b')).toMatchObject({ fencingVersion: 2 });
  });

  test('a named successor has the next lease for itself for one lease time', async () => {
    const term = await it.contend('a');
    await resign(it.room, group, term, { successor: 'heir' }, 'bye');
    const { members } = await problemOf(it.contend('b'));
    expect(members['holder']).toMatchObject({ contenderId: 'heir', confirmed: false });
    expect(await it.contend('heir')).toMatchObject({ fencingVersion: 2 });
    expect(await it.room.store.read(group, true)).not.toHaveProperty('reservedFor', 'heir');
  });

  test('a reservation lapses', async () => {
    await resign(it.room, group, await it.contend('a'), { successor: 'heir' }, 'bye');
    it.clock.time += leaseMs + 1;
    expect(await it.contend('b')).toMatchObject({ fencingVersion: 2 });
  });

  test('a revoked term ends with its reason; the lease is free at its old expiry, or at once with force', async () => {
    const term = await it.contend('a');
    const order = { fencingVersion: 1, reason: 'stuck disk', force: false, dryRun: false };
    expect(await revoke(it.room, group, order, 'r')).toEqual({
      revoked: true,
      contenderId: 'a',
      takeoverAt: term.expiresAt + skewMs,
    });
    const problem = await problemOf(renew(it.room, group, term, {}));
    expect(problem).toMatchObject({ members: { reason: 'revoked', fencingVersion: 1 } });
    expect(problem.detail).toContain('stuck disk');
    expect((await problemOf(it.contend('b'))).members['holder']).toMatchObject({ contenderId: 'a' });
    it.clock.time = term.expiresAt + skewMs + 1;
    const next = await it.contend('b');
    await revoke(it.room, group, { ...order, fencingVersion: next.fencingVersion, force: true }, 's');
    expect(await it.contend('c')).toMatchObject({ fencingVersion: 3 });
  });

  test('a dry run tells what it would do and changes nothing', async () => {
    const term = await it.contend('a');
    const before = await it.room.store.read(group, true);
    const order = { fencingVersion: 1, reason: 'try', force: false, dryRun: true };
    expect(await revoke(it.room, group, order, 'r')).toEqual({
      revoked: false,
      contenderId: 'a',
      takeoverAt: term.expiresAt + skewMs,
    });
    expect(await it.room.store.read(group, true)).toEqual(before);
    expect((await problemOf(revoke(it.room, group, { ...order, fencingVersion: 7 }, 'r'))).code).toBe(
      'leadership_lost',
    );
  });
});
