import { expect, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';

const backupId = '01a20f26-c392-7745-b7bb-df8bdc9537a1';
const status = (state: string, more = {}) => ({
  ...{ backupId, group: 'orders', state, attempt: 1, entryCount: 1, bytes: 1, phases: {}, refusals: [] },
  startedAt: '2026-11-24T20:02:08.403Z',
  ...more,
});

/** The service's responses, in order; the last one is repeated. `down`: no response. */
async function waited(answers: readonly (object | 'down' | 503)[], ...more: string[]) {
  const left = [...answers];
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    const next = left.length > 1 ? left.shift() : left[0];
    if (next === 'down') throw new TypeError('fetch failed');
    if (next === 503) return new Response('', { status: 503 });
    return Response.json(next);
  });
  onTestFinished(() => void fetch.mockRestore());
  const { shell, out, err } = recordedShell({}, {});
  const code = await runCli(['backup', 'wait', backupId, '--group', 'orders', '--json', ...more], shell);
  return { code, out: out(), err: err() };
}

test('backup wait survives 503s and a service that restarts, until the backup has ended', async () => {
  const answers = [status('RUNNING'), 'down', 503, status('VERIFYING'), 'down', status('COMPLETED')] as const;
  const { code, out } = await waited(answers);
  expect({ code, state: JSON.parse(out).state }).toEqual({ code: 0, state: 'COMPLETED' });
});

test('backup wait ends with 1 for a backup that failed', async () => {
  const failed = status('FAILED', { error: { code: 'worker_lost', message: 'gone' } });
  const { code, out } = await waited([status('RUNNING'), failed]);
  expect({ code, error: JSON.parse(out).error.code }).toEqual({ code: 1, error: 'worker_lost' });
});

test('backup wait ends with 75 once --timeout is over, and says how to continue', async () => {
  const { code, err } = await waited([status('RUNNING')], '--timeout', '1s');
  expect(code).toBe(75);
  expect(err).toContain(`is RUNNING after 1.0 s and continues without this command: follow it with tenure backup wait`);
});

test('backup wait ends with 69 when the service is still gone after --timeout', async () => {
  expect((await waited([status('RUNNING'), 'down'], '--timeout', '1s')).code).toBe(69);
});

test('an error that no restart explains ends it at once', async () => {
  const refusal = { code: 'forbidden', detail: 'you may not', retryable: false };
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json(refusal, { status: 403 }));
  onTestFinished(() => void fetch.mockRestore());
  const { shell } = recordedShell({}, {});
  expect(await runCli(['backup', 'wait', backupId, '--group', 'orders'], shell)).toBe(77);
});
