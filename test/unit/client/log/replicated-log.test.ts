import { expect, test } from 'vitest';
import { collectItems } from '../../../../cli/output.ts';
import { ReplicatedLog } from '../../../../client/log/replicated-log.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';

/** A log whose reads answer these pages, and nothing once they are used up; `asked` resolves when that has begun. */
function logWith(...pages: object[]) {
  let begun = () => {};
  const asked = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const fetch = (_: unknown, { signal }: RequestInit = {}) => {
    const page = pages.shift();
    if (page) return Promise.resolve(Response.json(page));
    begun();
    return new Promise<Response>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  };
  const client = new TenureClient({ url: 'http://127.0.0.1', fetch: fetch as typeof globalThis.fetch });
  return { log: new ReplicatedLog({ client, group: 'g', log: 'l' }), asked };
}

test('a tail ends with its signal also while it waits for an answer', async () => {
  const { log, asked } = logWith({ items: [{ position: 1, data: 'YQ==' }] });
  const ending = new AbortController();
  void asked.then(() => ending.abort());
  const positions: number[] = [];
  for await (const { position } of log.tail({ signal: ending.signal, pollMs: 1 })) positions.push(position);
  expect(positions).toEqual([1]);
});

test('a read that is aborted says so: what it has is not all', async () => {
  const { log, asked } = logWith({ items: [{ position: 1, data: 'YQ==' }], nextFrom: 2 });
  const ending = new AbortController();
  void asked.then(() => ending.abort(new Error('enough')));
  const reading = collectItems(log.read({ signal: ending.signal }));
  await expect(reading).rejects.toThrow('enough');
});

test('a tail outlives a log that is being recovered, an end that lies ahead and an outage, and ends with a truncation past it', async () => {
  const problem = (status: number, code: string, retryable: boolean, more: object = {}) => ({
    status,
    body: { type: `urn:tenure:${code}`, code, status, title: code, detail: code, retryable, ...more },
  });
  const answers: ({ status: number; body: object } | 'outage')[] = [
    problem(503, 'log_not_recovered', true, { retryAfterMs: 1 }),
    problem(416, 'past_end', true),
    'outage',
    { status: 200, body: { items: [{ position: 1, data: 'YQ==' }] } },
    problem(410, 'truncated', false, { begin: 9 }),
  ];
  const fetch = async () => {
    const answer = answers.shift() ?? expect.fail('the tail continues');
    if (answer === 'outage') throw new TypeError('fetch failed');
    const type = answer.status === 200 ? 'application/json' : 'application/problem+json';
    return Response.json(answer.body, { status: answer.status, headers: { 'Content-Type': type } });
  };
  const client = new TenureClient({ url: 'http://127.0.0.1', fetch: fetch as typeof globalThis.fetch });
  const log = new ReplicatedLog({ client, group: 'g', log: 'l' });
  const positions: number[] = [];
  const tail = async () => {
    for await (const { position } of log.tail({ pollMs: 1 })) positions.push(position);
  };
  await expect(tail()).rejects.toMatchObject({ code: 'truncated', members: { begin: 9 } });
  expect(positions).toEqual([1]);
});
