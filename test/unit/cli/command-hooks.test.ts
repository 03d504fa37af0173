import { expect, test } from 'vitest';
import { commandHooks } from '../../../cli/backups/command-hooks.ts';

const env = { ...process.env, TENURE_GROUP: 'orders' };
const unguarded = (error: Error) => {
  throw error;
};

const hooks = (commands: Partial<Parameters<typeof commandHooks>[0]>) =>
  commandHooks({ timeoutMs: 30_000, env, onUnguarded: unguarded, ...commands });

async function snapshot(command: string, signal = new AbortController().signal): Promise<Buffer> {
  const request = { cut: { events: 12 }, backupId: 'b-1', attempt: 2, signal };
  const values = await hooks({ snapshot: command }).snapshot?.(request);
  const pieces: Uint8Array[] = [];
  for await (const piece of values ?? []) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

test('no command, no hook', () => {
  expect(hooks({})).toEqual({});
});

test('the output of --on-suspend is the positions', async () => {
  expect(await hooks({ onSuspend: `echo '{"events": 12}'` }).suspend?.()).toEqual({ events: 12 });
  expect(await hooks({ onSuspend: 'true' }).suspend?.()).toEqual({});
});

test.each([
  ['exit 3', '--on-suspend exited with 3'],
  ['kill -9 $$', '--on-suspend was ended by SIGKILL'],
  ['echo paused', '--on-suspend printed "paused\\n"; print nothing, or positions as JSON: {"events": 412}'],
  [`echo '{"events": -1}'`, '{"events": 412}'],
  ['echo 7', '{"events": 412}'],
])('--on-suspend "%s" refuses the backup: %s', async (onSuspend, reason) => {
  await expect(hooks({ onSuspend }).suspend?.()).rejects.toThrow(reason);
});

test('a time limit longer than 2^31 ms does not end it at once', async () => {
  const timeoutMs = 40 * 86_400_000;
  expect(await hooks({ onSuspend: `sleep 0.1; echo '{"events": 12}'`, timeoutMs }).suspend?.()).toEqual({ events: 12 });
});

test('a command that does not end is stopped with all that it started', async () => {
  const startedAt = performance.now();
  await expect(hooks({ onResume: 'sleep 600 & sleep 600; wait', timeoutMs: 200 }).resume?.()).rejects.toThrow(
    '--on-resume was stopped after 0.2 s (--hook-timeout)',
  );
  expect(performance.now() - startedAt).toBeLessThan(30_000);
});

test('standard output of --snapshot is streamed byte for byte; the command knows the cut, the backup and the group', async () => {
  expect(await snapshot(`printf '%s' "$TENURE_CUT $TENURE_BACKUP_ID $TENURE_ATTEMPT $TENURE_GROUP"`)).toEqual(
    Buffer.from('{"events":12} b-1 2 orders'),
  );
  const million = await snapshot(`head -c 1000000 /dev/zero | tr '\\0' '\\377'`);
  expect(million.equals(Buffer.alloc(1_000_000, 255))).toBe(true);
});

test('a --snapshot that fails after some output ends with its exit code', async () => {
  await expect(snapshot('echo half; exit 4')).rejects.toMatchObject({
    code: 'HOOK_FAILED',
    message: '--snapshot exited with 4',
  });
});

test.each([true, false])('a --snapshot is stopped when the attempt ends (running: %s)', async (running) => {
  const ending = new AbortController();
  const request = { cut: {}, backupId: 'b-1', attempt: 1, signal: ending.signal };
  const values = await hooks({ snapshot: 'echo begun; head -c 300000 /dev/zero; sleep 600' }).snapshot?.(request);
  const pieces = (values as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  if (running) await pieces.next();
  ending.abort(new Error('superseded'));
  await expect(pieces.next()).rejects.toThrow('superseded');
});
