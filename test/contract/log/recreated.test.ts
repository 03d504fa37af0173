/** A log that is created again under its name: what arrives late for the one before it is lost. */
import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { ballotKey } from '../../../log/protocol/replica.ts';
import { asks, served } from '../../support/log/served.ts';
import { logsWith } from '../../support/log/tables.ts';

test('a stage and an acceptance of the deleted log reach nothing of the next one', async () => {
  const { room, tables } = await logsWith(inject('dynamodb'), 3);
  const call = served(inject('dynamodb'), tables.main, room);
  const log = randomUUID();
  const path = `/v1/groups/orders/logs/${log}`;
  const { elect, append, read } = asks(call, path);
  expect((await call('PUT', path, {})).status).toBe(201);
  const old = await room.open('orders', log);
  const first = await elect();
  expect(await append(first, ['old'])).toMatchObject({ body: { first: 1 } });
  const [views, writer] = await Promise.all([
    Promise.all(old.replicas.map(async (replica) => (await replica.read()).view)),
    old.sequencer.read(),
  ]);
  expect((await call('DELETE', path)).status).toBe(200);

  expect((await call('PUT', path, {})).status).toBe(201);
  const second = await elect();
  const value = {
    type: 'APPEND' as const,
    requests: [{ requestId: 'late', count: 1 }],
    entries: [Buffer.from('late')],
  };
  const { number = 0, writerId: by = '' } = writer ?? {};
  expect(ballotKey(number, by)).not.toBe('0.');
  const late = await Promise.all(
    old.replicas.map(async (replica, at) => {
      const staged = await replica.stage({ number, by, position: 1, value });
      const accepted = await replica.accept({ number, by, position: 1, last: 1, view: views[at] ?? '' });
      return { staged, accepted };
    }),
  );
  for (const { accepted } of late) expect(accepted).toEqual({ verdict: 'IGNORED', status: 'EMPTY' });
  expect((await read()).body).toEqual({ items: [] });
  expect(await append(second, ['new'])).toMatchObject({ status: 201, body: { first: 1 } });
  expect(await append(first, ['late'])).toMatchObject({ status: 409, body: { code: 'not_elected' } });
  const items = [{ position: 1, data: Buffer.from('new').toString('base64') }];
  expect((await read()).body).toEqual({ items });
});
