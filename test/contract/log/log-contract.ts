/** The promises of a log to its callers, whatever carries their calls. */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Call, founded } from '../../support/log/served.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A log that votes, with a writer. */
export async function openLog(call: Call) {
  const path = await founded(call);
  const elect = async () => {
    const elected = await call('POST', `${path}/writer`, {});
    expect(elected.status).toBe(200);
    return { 'Log-Writer': elected.body.writerId as string };
  };
  const writer = await elect();
  const append = (entries: string[], headers: Record<string, string> = writer) =>
    call('POST', `${path}/entries`, { entries: entries.map(base64) }, headers);
  const truncate = (to: number) => call('POST', `${path}/truncate`, { to }, writer);
  const read = (query = '') => call('GET', `${path}/entries${query}`);
  return { path, writer, elect, append, truncate, read };
}

export function logContract(calls: () => Call): void {
  const newLog = () => openLog(calls());

  test('entries are appended, read page by page and truncated', async () => {
    const { append, truncate, read, path } = await newLog();
    expect(await append(['a', 'b', 'c'])).toEqual({ status: 201, body: { first: 1, last: 3 } });
    expect(await append(['d'])).toEqual({ status: 201, body: { first: 4, last: 4 } });
    const item = (position: number, text: string) => ({ position, data: base64(text) });
    expect(await read('?limit=3')).toEqual({
      status: 200,
      body: { items: [item(1, 'a'), item(2, 'b'), item(3, 'c')], nextFrom: 4 },
    });
    expect((await read('?from=2&to=3')).body).toEqual({ items: [item(2, 'b'), item(3, 'c')] });
    expect(await truncate(3)).toEqual({ status: 200, body: { position: 5 } });
    expect((await read()).body).toEqual({ items: [item(3, 'c'), item(4, 'd')] });
    const { body } = await calls()('GET', path);
    expect(body).toMatchObject({ begin: 3, end: 5, quorum: 2, voting: 3 });
    expect(body.replicas.map(({ id, status, promised }: Record<string, unknown>) => [id, status, promised])).toEqual(
      ['1', '2', '3'].map((id) => [id, 'VOTING', 1]),
    );
    expect(body.replicas[0]).toMatchObject({
      begin: expect.any(Number),
      end: expect.any(Number),
      lag: expect.any(Number),
    });
  });

  test('an unreadable range is a named error with the position that says why', async () => {
    const { append, truncate, read } = await newLog();
    await append(['a', 'b', 'c']);
    await truncate(2);
    expect(await read('?from=3&to=2')).toMatchObject({ status: 400, body: { code: 'bad_range', from: 3, to: 2 } });
    expect(await read('?from=1')).toMatchObject({ status: 410, body: { code: 'truncated', begin: 2 } });
    expect(await read('?from=2&to=9')).toMatchObject({ status: 416, body: { code: 'past_end', end: 4 } });
    expect(await read('?from=-1')).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(await read('?from=2&bogus=1')).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(await truncate(99)).toMatchObject({ status: 400, body: { code: 'bad_range' } });
  });

  test('the same Idempotency-Key appends once; another payload under it is refused', async () => {
    const { append, read, elect, writer } = await newLog();
    const keyed = { 'Idempotency-Key': 'one' };
    const first = await append(['a', 'b'], { ...writer, ...keyed });
    expect(await append(['a', 'b'], { ...writer, ...keyed })).toEqual(first);
    const next = await elect();
    expect(await append(['a', 'b'], { ...next, ...keyed })).toEqual(first);
    const refused = { status: 422, body: { code: 'idempotency_key_reused', retryable: false } };
    expect(await append(['c'], { ...next, ...keyed })).toMatchObject(refused);
    expect((await append(['c'], next)).body.first).toBeGreaterThan(2);
    expect((await read()).body.items).toHaveLength(3);
  });

  test('of requests that come together, one whose key is taken fails alone', async () => {
    const { writer, append, read } = await newLog();
    const keyed = { ...writer, 'Idempotency-Key': randomUUID() };
    const answers = await Promise.all([
      append(['first']),
      append(['a'], keyed),
      append(['b'], keyed),
      append(['c']),
      append(['d']),
    ]);
    const statuses = answers.map(({ status }) => status);
    expect([statuses[0], statuses[3], statuses[4]]).toEqual([201, 201, 201]);
    expect([statuses[1], statuses[2]].sort()).toEqual([201, 422]);
    expect((await read()).body.items).toHaveLength(4);
  });

  test('only the writer that was elected last appends', async () => {
    const { append, elect, read } = await newLog();
    await append(['a']);
    const rival = await elect();
    expect(await append(['late'])).toMatchObject({ status: 409, body: { code: 'not_elected', retryable: false } });
    expect((await append(['b'], rival)).status).toBe(201);
    const never = { 'Log-Writer': randomUUID() };
    expect(await append(['c'], never)).toMatchObject({ status: 409, body: { code: 'not_elected' } });
    expect((await read()).body.items).toHaveLength(2);
  });
}
