import { getEventListeners } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { termFromEnvironment } from '../../../../client/jobs/leading-term.ts';
import { LogWriter, type LogWriterOptions } from '../../../../client/log/log-writer.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';
import { ManualTime } from '../../../support/manual-time.ts';

const writerId = '0190a1b2-c3d4-4000-8000-000000000001';

/** A writer whose elections and appends are answered with these in turn: `ok`, a code, or never (`hangs`). */
function writerOn(answers: readonly string[], options: Partial<LogWriterOptions> = {}) {
  const time = new ManualTime();
  const calls: string[] = [];
  const fetch = async (input: string | URL | Request, { signal }: RequestInit = {}) => {
    const path = new URL(String(input)).pathname.split('/').at(-1) ?? '';
    const answer = answers[calls.push(path) - 1];
    if (answer === 'hangs') {
      return new Promise<Response>((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    if (answer !== 'ok') {
      return Response.json({ code: answer, detail: `${answer}`, retryable: false, retryAfterMs: 100 }, { status: 409 });
    }
    return Response.json(path === 'writer' ? { writerId, ballot: 1, position: 0 } : { first: 1, last: 1 });
  };
  const client = new TenureClient({
    url: 'http://127.0.0.1',
    fetch: fetch as typeof globalThis.fetch,
    time,
    random: () => 0,
  });
  const writer = new LogWriter({ client, group: 'g', log: 'l', ...options });
  /** Its fate, and when. */
  const append = (entry: string, signal?: AbortSignal) => {
    const seen: { value?: unknown; error?: unknown; at?: number } = {};
    writer.append([entry], { signal }).then(
      (value) => Object.assign(seen, { value, at: time.real }),
      (error: unknown) => Object.assign(seen, { error, at: time.real }),
    );
    return seen;
  };
  return { append, calls, time };
}

function newTerm() {
  return termFromEnvironment({ TENURE_GROUP: 'g', TENURE_FENCING_VERSION: '1', TENURE_SESSION_ID: writerId });
}

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([
  ['an election', ['hangs']],
  ['an append', ['ok', 'hangs']],
  ['the pause before the next try', ['ok', 'outcome_unknown']],
])('the end of the term ends %s, and what waits behind it', async (_, answers) => {
  const term = newTerm();
  const { append, calls, time } = writerOn(answers, { term });
  const appends = [append('one'), append('two')];
  await time.advance(50);
  expect(appends).toEqual([{}, {}]);
  const loss = { reason: 'revoked', detail: 'Term 1 has ended.' } as const;
  term.end(loss);
  await time.advance(0);
  const lost = { at: 50, error: { name: 'LeadershipLostError', loss } };
  expect(appends).toMatchObject([lost, lost]);
  expect(calls).toHaveLength(answers.length);
  expect(time.pendingTimers).toBe(0);
});

test.each([
  ['with a term', { term: newTerm() }],
  ['without', {}],
])("a caller's signal ends its election and no other's, %s", async (_, options) => {
  const { append, calls, time } = writerOn(['hangs', 'ok', 'ok'], options);
  const caller = new AbortController();
  const first = append('one', caller.signal);
  const second = append('two');
  await time.advance(50);
  caller.abort(new Error('enough'));
  await time.advance(0);
  expect(first).toMatchObject({ at: 50, error: { message: 'enough' } });
  expect(second).toMatchObject({ at: 50, value: { first: 1 } });
  expect(calls).toEqual(['writer', 'writer', 'entries']);
});

test.each([
  ['with a term', { term: newTerm() }],
  ['without', {}],
])("a caller's signal ends an append that waits for its turn, which is never sent, %s", async (_, options) => {
  const { append, calls, time } = writerOn(['hangs', 'ok', 'ok', 'ok', 'ok'], options);
  const callers = [new AbortController(), new AbortController()] as const;
  const first = append('one', callers[0].signal);
  const second = append('two', callers[1].signal);
  const third = append('three');
  await time.advance(50);
  callers[1].abort(new Error('enough'));
  await time.advance(50);
  expect(second).toMatchObject({ at: 50, error: { message: 'enough' } });
  expect([first, third]).toEqual([{}, {}]);
  expect(calls).toEqual(['writer']);
  callers[0].abort(new Error('enough'));
  await time.advance(0);
  expect(third).toMatchObject({ at: 100, value: { first: 1 } });
  expect(calls).toEqual(['writer', 'writer', 'entries']);
});

test('many appends leave nothing on the signals of their term and their caller, and Node warns of no leak', async () => {
  const warn = vi.spyOn(process, 'emitWarning');
  const combine = vi.spyOn(AbortSignal, 'any');
  const term = newTerm();
  const { signal } = new AbortController();
  const answers = ['ok', 'ok', 'outcome_unknown', ...Array.from({ length: 60 }, () => 'ok')];
  const { append, time } = writerOn(answers, { term });
  const appends = Array.from({ length: 50 }, (_, index) => append(`${index}`, signal));
  await time.advance(60_000);
  expect(appends.every(({ value }) => value !== undefined)).toBe(true);
  expect([term.signal, signal].flatMap((one) => getEventListeners(one, 'abort'))).toEqual([]);
  expect(combine.mock.calls.flat(2)).not.toContain(term.signal);
  expect(warn).not.toHaveBeenCalledWith(expect.objectContaining({ name: 'MaxListenersExceededWarning' }));
});

test('a caller that aborts an append gets the reason, not a refusal, and the next one is elected anew: it may be in the log', async () => {
  const { append, calls, time } = writerOn(['ok', 'not_elected', 'ok', 'hangs', 'ok', 'ok'], { term: newTerm() });
  const caller = new AbortController();
  const first = append('one', caller.signal);
  await time.advance(1_000);
  caller.abort(new Error('enough'));
  await time.advance(0);
  expect(first).toMatchObject({ at: 1_000, error: { message: 'enough' } });
  const second = append('two');
  await time.advance(0);
  expect(second).toMatchObject({ value: { first: 1 } });
  expect(calls.slice(3)).toEqual(['entries', 'writer', 'entries']);
});

test('a try has what is left of the deadline, at most 29 s, and the outcome of its append is unknown then', async () => {
  const short = writerOn(['ok', 'hangs'], { deadlineMs: 2_000 });
  const appended = short.append('one');
  await short.time.advance(10_000);
  expect(appended).toMatchObject({ at: 2_000, error: { code: 'unreachable' } });
  const long = writerOn(['ok', 'hangs', 'ok', 'ok'], { deadlineMs: 60_000 });
  const settled = long.append('one');
  await long.time.advance(60_000);
  expect(settled).toMatchObject({ at: 29_000 + 200, value: { first: 1 } });
});

test('an election that the deadline cuts short does not hide what was said before', async () => {
  const answered = writerOn(['log_not_recovered', 'hangs'], { deadlineMs: 2_000 });
  const refused = answered.append('one');
  await answered.time.advance(10_000);
  expect(refused).toMatchObject({ at: 2_000, error: { code: 'log_not_recovered' } });
  const silent = writerOn(['hangs'], { deadlineMs: 2_000 });
  const unheard = silent.append('one');
  await silent.time.advance(10_000);
  expect(unheard).toMatchObject({ at: 2_000, error: { code: 'unreachable' } });
});

test('the deadline does not make an append refused that was sent before the election that it cuts short', async () => {
  const { append, time } = writerOn(['ok', 'outcome_unknown', 'log_not_recovered', 'hangs'], { deadlineMs: 2_000 });
  const appended = append('one');
  await time.advance(10_000);
  expect(appended).toMatchObject({ at: 2_000, error: { code: 'unreachable' } });
});
