import { expect, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';

/** The standard error of `tenure worker` while the service refuses it, until it is interrupted. */
async function errorsOf(...more: string[]): Promise<string[]> {
  const refusal = { code: 'forbidden', detail: 'you may not', retryable: false };
  const fetch = vi
    .spyOn(globalThis, 'fetch')
    .mockImplementation(async () => new Response(JSON.stringify(refusal), { status: 403 }));
  const errors: string[] = [];
  const { shell } = recordedShell({}, { onErr: (text) => void errors.push(text) });
  const running = runCli(['worker', '--group', 'orders', ...more], shell);
  await vi.waitFor(() => expect(errors).toHaveLength(1), 20_000);
  process.emit('SIGINT');
  expect(await running).toBe(0);
  fetch.mockRestore();
  return errors;
}

test('a worker that continues shows its errors as text, and with --json as the JSON of every command', async () => {
  for (const error of await errorsOf()) expect(error).toBe('tenure: you may not');
  for (const error of await errorsOf('--json')) {
    expect(JSON.parse(error)).toEqual({ error: { code: 'forbidden', message: 'you may not' } });
  }
});
