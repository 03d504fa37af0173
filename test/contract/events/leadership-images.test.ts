import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { sweep } from '../../../leadership/history.ts';
import { confirm, renew, resign, revoke } from '../../../leadership/leadership.ts';
import { streamOf } from '../../support/table-stream.ts';
import { leaseMs, openRoom, skewMs } from '../leadership/room.ts';
import { eventsIn, passing } from './images.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
let stream: Awaited<ReturnType<typeof streamOf>>;
const group = 'orders';
const published = { address: '10.0.0.1:80', metadata: { zone: 'a' } };

beforeEach(async () => {
  it = await openRoom();
  stream = await streamOf(inject('dynamodb'), it.table);
});

async function lead(contenderId: string) {
  const term = await it.contend(contenderId);
  await confirm(it.room, group, term, published);
  return term;
}

const publishedNow = async () =>
  eventsIn(await stream.records()).map(({ type, detail }) => {
    const { version, id, sequence, group: _group, ...rest } = detail;
    return { type, ...rest };
  });
const at = (time: number) => new Date(time).toISOString();

describe('the filter', () => {
  test('lets no renewal through, of a confirmed term or of one that gets ready, with or without new information', async () => {
    const term = await it.contend('a');
    await renew(it.room, group, term, {});
    await confirm(it.room, group, term, published);
    await stream.records();
    for (const more of [{}, { leaseMs: 20_000 }, { address: '10.0.0.2:80' }, { metadata: { zone: 'b' } }]) {
      it.clock.time += 1_000;
      await renew(it.room, group, term, more);
    }
    const renewals = await stream.records();
    expect(renewals).toHaveLength(4);
    expect(passing(renewals)).toEqual([]);
  });

  test('lets one record of a term through when it is confirmed and one when it ends, whatever else is written', async () => {
    const first = await it.contend('a');
    await renew(it.room, group, first, {});
    expect(passing(await stream.records())).toEqual([]);
    await confirm(it.room, group, first, published);
    await confirm(it.room, group, first, { address: '10.0.0.9:80' });
    expect(passing(await stream.records())).toHaveLength(1);
    await resign(it.room, group, first, { successor: 'b' }, 'bye');
    expect(passing(await stream.records())).toHaveLength(1);
    await sweep(it.groups, it.clock, skewMs);
    const second = await it.contend('b');
    expect(passing(await stream.records())).toEqual([]);
    await confirm(it.room, group, second, published);
    const records = await stream.records();
    expect(records.length).toBeGreaterThan(1);
    expect(passing(records)).toHaveLength(1);
  });
});

describe('a term', () => {
  test('is confirmed, then resigned', async () => {
    const term = await lead('a');
    const confirmedAt = it.clock.time;
    it.clock.time += 2_000;
    await resign(it.room, group, term, {}, 'bye');
    expect(await publishedNow()).toEqual([
      {
        type: 'Leadership Confirmed',
        fencingVersion: 1,
        contenderId: 'a',
        address: '10.0.0.1:80',
        at: at(confirmedAt),
      },
      { type: 'Leadership Ended', fencingVersion: 1, contenderId: 'a', reason: 'resigned', at: at(it.clock.time) },
    ]);
  });

  test('ends by revocation when that is ordered', async () => {
    const { fencingVersion } = await lead('a');
    await stream.records();
    await revoke(it.room, group, { fencingVersion, reason: 'move', force: false, dryRun: false }, 'now');
    expect(await publishedNow()).toEqual([
      { type: 'Leadership Ended', fencingVersion, contenderId: 'a', reason: 'revoked', at: at(it.clock.time) },
    ]);
  });

  test('that ran out ends with the next grant, at its expiry, and once', async () => {
    const { expiresAt } = await lead('a');
    await stream.records();
    it.clock.time = expiresAt + skewMs + 5_000;
    await lead('b');
    expect(await publishedNow()).toEqual([
      { type: 'Leadership Ended', fencingVersion: 1, contenderId: 'a', reason: 'expired', at: at(expiresAt) },
      expect.objectContaining({ type: 'Leadership Confirmed', fencingVersion: 2, contenderId: 'b' }),
    ]);
  });

  test('that ran out and is wanted by nobody is ended by the sweep', async () => {
    const { expiresAt } = await lead('a');
    await stream.records();
    it.clock.time = expiresAt + leaseMs + skewMs + 1;
    expect(await sweep(it.groups, it.clock, skewMs)).toMatchObject({ expired: 1 });
    expect(await publishedNow()).toEqual([
      { type: 'Leadership Ended', fencingVersion: 1, contenderId: 'a', reason: 'expired', at: at(expiresAt) },
    ]);
  });

  test('that was never confirmed is no event, however it ends', async () => {
    const first = await it.contend('a');
    await resign(it.room, group, first, {}, 'bye');
    const { expiresAt } = await it.contend('b');
    it.clock.time = expiresAt + skewMs + 1;
    await it.contend('c');
    expect(await publishedNow()).toEqual([]);
  });

  test('whose information was removed by hand has not ended: the next renewal restores it', async () => {
    const term = await lead('a');
    await stream.records();
    await it.other.send(
      new UpdateCommand({
        TableName: it.table,
        Key: { pk: `GROUP#${group}`, sk: 'LEADERSHIP' },
        UpdateExpression: 'REMOVE holder',
      }),
    );
    await renew(it.room, group, term, published);
    expect(await publishedNow()).toEqual([]);
    await resign(it.room, group, term, {}, 'bye');
    expect(await publishedNow()).toMatchObject([{ type: 'Leadership Ended', reason: 'resigned' }]);
  });

  test('is revoked when the record is removed by hand', async () => {
    await lead('a');
    await stream.records();
    const Key = { pk: `GROUP#${group}`, sk: 'LEADERSHIP' };
    await it.other.send(new DeleteCommand({ TableName: it.table, Key }));
    expect(await publishedNow()).toMatchObject([{ type: 'Leadership Ended', fencingVersion: 1, reason: 'revoked' }]);
  });
});
