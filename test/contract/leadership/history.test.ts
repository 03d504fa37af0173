import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, expect, test } from 'vitest';
import { sweep, toTermView } from '../../../leadership/history.ts';
import { confirm, renew, resign, revoke } from '../../../leadership/leadership.ts';
import { leaseMs, openRoom, problemOf, skewMs } from './room.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
beforeEach(async () => {
  it = await openRoom();
});

const group = 'orders';
const runSweep = () => sweep(it.groups, it.clock, skewMs);

async function lead(contenderId: string) {
  const term = await it.contend(contenderId);
  await confirm(it.room, group, term, { address: contenderId });
  return term;
}

async function terms() {
  const { items } = await it.groups.listTerms(group, undefined, 100);
  const record = await it.room.store.read(group, true);
  return items
    .map((term) => toTermView(term, record, it.clock.time))
    .map(({ fencingVersion, endReason, endedAt }) => [fencingVersion, endReason, endedAt]);
}

const text = (epoch: number) => new Date(epoch).toISOString();

test('each term is listed with how it ended, before and after the sweep', async () => {
  const first = await lead('a');
  await resign(it.room, group, first, {}, 'bye');
  const resignedAt = it.clock.time;
  expect(await terms()).toEqual([[1, 'resigned', text(resignedAt)]]);

  it.clock.time += 10;
  const second = await lead('b');
  await revoke(it.room, group, { fencingVersion: 2, reason: 'test', force: true, dryRun: false }, 'r');
  const revokedAt = it.clock.time;
  await it.contend('never confirmed');
  it.clock.time += leaseMs + skewMs + 1;
  const fourth = await lead('d');
  it.clock.time = fourth.expiresAt + 1;
  const expected = [
    [4, 'expired', text(fourth.expiresAt)],
    [2, 'revoked', text(revokedAt)],
    [1, 'resigned', text(resignedAt)],
  ];
  expect(await terms()).toEqual(expected);
  it.clock.time += 2 * leaseMs;
  expect(await runSweep()).toEqual({ groups: 1, expired: 1, closed: 0 });
  expect(await terms()).toEqual(expected);
  expect(await runSweep()).toEqual({ groups: 1, expired: 0, closed: 0 });
  expect(second.fencingVersion).toBe(2);
});

test('the sweep ends only leases that are long gone, and never a live term', async () => {
  const term = await lead('a');
  it.clock.time = term.expiresAt + leaseMs;
  expect(await runSweep()).toEqual({ groups: 1, expired: 0, closed: 0 });
  it.clock.time = term.expiresAt + leaseMs + skewMs + 1;
  expect(await runSweep()).toEqual({ groups: 1, expired: 1, closed: 0 });
  expect((await problemOf(renew(it.room, group, term, {}))).members).toEqual({ reason: 'expired', fencingVersion: 1 });
  expect(await it.contend('b')).toMatchObject({ fencingVersion: 2 });
});

test('a term that is renewed between the read and the write of the sweep stays', async () => {
  const term = await lead('a');
  const stale = await it.room.store.read(group, true);
  await renew(it.room, group, term, { leaseMs: leaseMs + 1 });
  expect(stale && (await it.groups.expire(stale, it.clock.time))).toBe(false);
  expect((await it.room.store.read(group, true))?.holder?.contenderId).toBe('a');
});

test('the sweep writes the end of a resigned term; the next confirmation lets it go after 90 days', async () => {
  await resign(it.room, group, await lead('a'), {}, 'bye');
  expect(await runSweep()).toEqual({ groups: 1, expired: 0, closed: 1 });
  const item = async () => {
    const answer = await it.other.send(
      new GetCommand({ TableName: it.table, Key: { pk: 'GROUP#orders', sk: 'TERM#000000000001' } }),
    );
    return answer.Item;
  };
  expect(await item()).toMatchObject({ endReason: 'resigned', endedAt: it.clock.time });
  expect(await item()).not.toHaveProperty('ttl');
  await lead('b');
  expect(await item()).toMatchObject({ endReason: 'resigned', ttl: Math.floor(it.clock.time / 1000) + 90 * 24 * 3600 });
});

test('groups and terms are listed in pages', async () => {
  for (const name of ['a', 'b', 'c']) await it.contend('x', undefined, name);
  const first = await it.groups.listGroups(undefined, 2);
  expect(first.items).toEqual(['a', 'b']);
  expect((await it.groups.listGroups(first.last, 2)).items).toEqual(['c']);
  for (const name of ['a', 'b', 'c']) await resign(it.room, group, await lead(name), {}, name);
  const page = await it.groups.listTerms(group, undefined, 2);
  expect(page.items.map(({ fencingVersion }) => fencingVersion)).toEqual([3, 2]);
  expect((await it.groups.listTerms(group, page.last, 2)).items.map(({ fencingVersion }) => fencingVersion)).toEqual([
    1,
  ]);
});
