import { expect, test } from 'vitest';
import { LogWriter } from '../../../../client/log/log-writer.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';

const writerId = '0190a1b2-c3d4-4000-8000-000000000001';

interface Call {
  path: string;
  key: string | null;
}

/**
 * Answers each append with the next of these codes, an `ok` with success; every election succeeds, with ballot 1. A
 * refusal may say more: `not_elected closed`, `exclusivity_lost 2`, the ballot.
 */
function writerThat(meets: readonly string[]) {
  const calls: Call[] = [];
  const answers = [...meets];
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const path = new URL(input instanceof Request ? input.url : input).pathname.split('/').at(-1) ?? '';
    calls.push({ path, key: new Headers(init?.headers).get('idempotency-key') });
    if (path === 'writer') return Response.json({ writerId, ballot: 1, position: 0 });
    const [code, fact] = answers.shift()?.split(' ') ?? [];
    if (code === 'ok') return Response.json({ first: 1, last: 1 }, { status: 201 });
    const facts = fact === 'closed' ? { closed: true } : fact ? { ballot: Number(fact) } : {};
    const problem = { code, detail: `${code}`, retryable: false, retryAfterMs: 1, ...facts };
    return Response.json(problem, { status: code === 'outcome_unknown' ? 503 : 409 });
  };
  const client = new TenureClient({
    url: 'http://127.0.0.1',
    fetch: fetch as typeof globalThis.fetch,
    random: () => 0,
  });
  return { writer: new LogWriter({ client, group: 'g', log: 'l', deadlineMs: 5_000 }), calls };
}

test('an unknown outcome is settled by another election and the same request', async () => {
  const { writer, calls } = writerThat(['outcome_unknown', 'ok']);
  expect(await writer.append(['x'])).toEqual({ first: 1, last: 1 });
  expect(calls.map(({ path }) => path)).toEqual(['writer', 'entries', 'writer', 'entries']);
  expect(calls[1]?.key).toBe(calls[3]?.key);
});

test('a lock is waited for without another election', async () => {
  const { writer, calls } = writerThat(['state_locked', 'state_locked', 'ok']);
  await writer.append(['x']);
  expect(calls.map(({ path }) => path)).toEqual(['writer', 'entries', 'entries', 'entries']);
});

test.each(['not_elected', 'exclusivity_lost 2'])('%s is met with one more election, then thrown', async (refusal) => {
  const [code] = refusal.split(' ');
  const once = writerThat([refusal, 'ok']);
  expect(await once.writer.append(['x'])).toEqual({ first: 1, last: 1 });
  const twice = writerThat([refusal, refusal, 'ok']);
  await expect(twice.writer.append(['x'])).rejects.toMatchObject({ code });
  expect(await twice.writer.append(['y'])).toEqual({ first: 1, last: 1 });
});

test('an end of the writer without a rival, as by a change of the members, is outlived without a term', async () => {
  const { writer } = writerThat([
    'not_elected closed',
    'exclusivity_lost 1',
    'not_elected closed',
    'not_elected',
    'ok',
  ]);
  expect(await writer.append(['x'])).toEqual({ first: 1, last: 1 });
  const rivals = writerThat(['not_elected closed', 'not_elected', 'not_elected closed', 'exclusivity_lost 2']);
  await expect(rivals.writer.append(['x'])).rejects.toMatchObject({ code: 'exclusivity_lost' });
});

test('an append unknown once is not called lost because a rival is elected', async () => {
  const { writer } = writerThat(['outcome_unknown', 'not_elected', 'not_elected', 'ok']);
  expect(await writer.append(['x'])).toEqual({ first: 1, last: 1 });
});
