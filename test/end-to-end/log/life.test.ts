import { expect, inject, test } from 'vitest';
import { initializeReplica } from '../../../api/operations/log-replicas.ts';
import {
  hasCode,
  LeadershipLostError,
  ReplicatedLog,
  TenureClient,
  termFromEnvironment,
} from '../../../client/index.ts';
import { sizes } from '../../sizes.ts';
import { logAt, texts, whenVoting } from './logs.ts';

const { api } = inject('stack');
const client = new TenureClient({ url: api });

test('a fresh log founds itself; without auto-initialise it waits for an operator', async () => {
  const own = logAt(api);
  await own.create();
  expect((await whenVoting(own, 3)).end).toBe(0);

  const group = `by-hand-${process.pid}`;
  const byHand = new ReplicatedLog({ client, group, log: 'journal' });
  await byHand.create({ autoInitialize: false });
  const refused = await byHand
    .writer({ deadlineMs: 10_000 })
    .append(['early'])
    .catch((error: unknown) => error);
  expect(hasCode(refused, 'log_not_recovered')).toBe(true);
  expect((await byHand.status()).replicas.map(({ status }) => status)).toEqual(['EMPTY', 'EMPTY', 'EMPTY']);
  const initialize = (replica: string) =>
    client.call(initializeReplica, { params: { group, log: 'journal', replica }, body: {} });
  expect(await initialize('1')).toEqual({ status: 'VOTING' });
  expect(await initialize('2')).toEqual({ status: 'VOTING' });
  // With a quorum there is a log, and a sweep that passes by recovers the third before the operator comes to it.
  await initialize('3').catch((error: unknown) => expect(hasCode(error, 'initialization_refused')).toBe(true));
  await whenVoting(byHand, 3);
  expect(await byHand.writer().append(['first'])).toEqual({ first: 1, last: 1 });
});

test('a deposed leader appends nothing more, and the entries of both terms stay in order', async () => {
  const group = `terms-${process.pid}`;
  const log = new ReplicatedLog({ client, group, log: 'journal' });
  await log.create();
  await whenVoting(log, 3);
  const lead = async (contenderId: string) => {
    const { fencingVersion, sessionId } = await client.contend(group, { contenderId, leaseMs: 60_000 });
    const fence = { fencingVersion, sessionId };
    const env = { TENURE_GROUP: group, TENURE_SESSION_ID: sessionId, TENURE_FENCING_VERSION: `${fencingVersion}` };
    return { fence, writer: log.writer({ term: termFromEnvironment(env) }) };
  };
  const old = await lead('a');
  await old.writer.append(['one', 'two']);
  await client.resign(group, old.fence);
  const current = await lead('b');
  await current.writer.append(['three']);
  await expect(old.writer.append(['late'])).rejects.toBeInstanceOf(LeadershipLostError);
  await current.writer.append(['four']);
  expect([...(await texts(log)).values()]).toEqual(['one', 'two', 'three', 'four']);
});

test(`${sizes.log.positions} positions are appended, tailed and truncated`, async () => {
  const log = logAt(api);
  await log.create();
  await whenVoting(log, 3);
  const writer = log.writer();
  for (let at = 0; at < sizes.log.positions; at += 64) {
    const count = Math.min(64, sizes.log.positions - at);
    await writer.append(Array.from({ length: count }, (_, index) => `${at + index}`));
  }
  const { end } = await log.status();
  const entries = [...(await texts(log)).values()];
  expect(entries).toEqual(Array.from({ length: sizes.log.positions }, (_, at) => `${at}`));

  await writer.truncate(end - 9);
  const gone = await texts(log, 1).catch((error: unknown) => error);
  expect(gone).toMatchObject({ code: 'truncated', members: { begin: end - 9 } });
  const ending = new AbortController();
  const tailed: string[] = [];
  for await (const { data } of log.tail({ signal: ending.signal, pollMs: 50 })) {
    tailed.push(Buffer.from(data).toString());
    if (tailed.length === 10) await writer.append(['more']);
    if (tailed.length === 11) ending.abort();
  }
  expect(tailed).toEqual([...entries.slice(-10), 'more']);
});
