import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import type { GrantedTerm } from '../../../leadership/contend.ts';
import { toLeadershipView } from '../../../leadership/history.ts';
import { confirm, renew } from '../../../leadership/leadership.ts';
import { reaches } from '../../support/marks.ts';
import { openRoom, problemOf } from './room.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
beforeEach(async () => {
  it = await openRoom();
});

const group = 'orders';
const Key = { pk: 'GROUP#orders', sk: 'LEADERSHIP' };
const published = { address: '10.0.0.1:80', metadata: { zone: 'a' } };

const deform = (UpdateExpression: string, values?: Record<string, unknown>) =>
  it.other.send(new UpdateCommand({ TableName: it.table, Key, UpdateExpression, ExpressionAttributeValues: values }));
const loseRecord = () => it.other.send(new DeleteCommand({ TableName: it.table, Key }));
const observed = async () => toLeadershipView(await it.room.store.read(group, true), it.clock.time);

describe('the next renewal restores the leader information', () => {
  let term: GrantedTerm;
  beforeEach(async () => {
    term = await it.contend('a');
    await confirm(it.room, group, term, published);
  });

  test.each<[string, string, Record<string, unknown> | undefined]>([
    ['address deleted', 'REMOVE holder.address', undefined],
    ['address overwritten', 'SET holder.address = :x', { ':x': 'evil' }],
    ['address of a wrong type', 'SET holder.address = :x', { ':x': 7 }],
    ['metadata deleted', 'REMOVE holder.metadata', undefined],
    ['metadata garbled', 'SET holder.metadata = :x', { ':x': '{' }],
    ['confirmation deleted', 'REMOVE holder.confirmedAt', undefined],
    ['holder deleted', 'REMOVE holder', undefined],
    ['holder overwritten', 'SET holder = :x', { ':x': 'nobody' }],
    [
      'another holder written',
      'SET holder = :x',
      { ':x': { contenderId: 'evil', sessionId: 'evil', confirmedAt: 1, address: 'evil' } },
    ],
  ])('%s', async (what, expression, values) => {
    if (what.startsWith('holder') || what.startsWith('another')) reaches('holder-written-back');
    const before = await observed();
    await deform(expression, values);
    it.clock.time += 1_000;
    const { expiresAt } = await renew(it.room, group, term, published);
    const leader = { ...before.leader, expiresAt: new Date(expiresAt).toISOString() };
    expect(await observed()).toEqual({ ...before, leader });
  });

  test('damaged information is not shown as a leader', async () => {
    await deform('REMOVE holder.address');
    expect((await observed()).leader).toBeNull();
  });
});

test('a renewal with an address does not confirm a term that waits for its confirmation', async () => {
  const term = await it.contend('a');
  await renew(it.room, group, term, published);
  expect(await observed()).toEqual({ leader: null, fencingVersion: 1, pending: true });
});

test('a lost record comes back 1,000 above the highest term, and the old term has ended', async () => {
  reaches('record-recreated');
  const term = await it.contend('a');
  await confirm(it.room, group, term, published);
  await loseRecord();
  expect(await problemOf(renew(it.room, group, term, published))).toMatchObject({
    code: 'leadership_lost',
    members: { reason: 'revoked' },
  });
  expect(await it.contend('b')).toMatchObject({ fencingVersion: 1_001 });
  await loseRecord();
  expect(await it.contend('c')).toMatchObject({ fencingVersion: 2_001 });
});

test('a record without its version counts as lost', async () => {
  await it.contend('a');
  await it.other.send(new PutCommand({ TableName: it.table, Item: { ...Key, note: 'overwritten' } }));
  expect(await it.contend('b')).toMatchObject({ fencingVersion: 1_001 });
});

test('a version that no TERM shows is remembered by the FLOOR of its 500', async () => {
  const term = await it.contend('a');
  await confirm(it.room, group, term, published);
  await deform('SET fencingVersion = :v, expiresAt = :past', { ':v': 499, ':past': 0 });
  expect(await it.contend('b')).toMatchObject({ fencingVersion: 500 });
  const { Item } = await it.other.send(
    new GetCommand({ TableName: it.table, Key: { pk: Key.pk, sk: 'FLOOR#000000000500' } }),
  );
  expect(Item).toBeDefined();
  await loseRecord();
  expect(await it.contend('c')).toMatchObject({ fencingVersion: 1_500 });
});

test('racing contenders of a lost record get one grant and one version', async () => {
  await it.contend('a');
  await loseRecord();
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => it.contend(`contender-${at}`)));
  const granted = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.fencingVersion] : []));
  expect(granted).toEqual([1_001]);
});
