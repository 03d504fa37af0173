import { expect, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';

/** Runs a command line in this process; the service answers what `respond` says. */
async function cli(
  argv: string[],
  respond: (url: string) => Response = () => new Response('', { status: 403 }),
  env: Readonly<Record<string, string>> = {},
) {
  const { shell, out, err } = recordedShell(env);
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => respond(String(input)));
  const code = await runCli(argv, shell);
  const urls = fetch.mock.calls.map(([input]) => String(input));
  fetch.mockRestore();
  return { code, out: out().trimEnd(), err: err().trimEnd(), urls };
}

test('--help explains the exit codes', async () => {
  const { code, out } = await cli(['--help']);
  expect(code).toBe(0);
  for (const each of ['64 ', '69 ', '75 ', '77 ']) expect(out).toContain(each);
  expect((await cli(['lead', '--help'])).out).toContain('TENURE_FENCING_VERSION');
});

test('a wrong command line ends with 64 and names what is wrong, before anything is asked', async () => {
  for (const [line, message] of [
    ['', 'Usage: tenure'],
    ['lede', "unknown command 'lede'"],
    ['leader show', '--group'],
    ['leader show --group orders --colour red', "unknown option '--colour'"],
    ['leader revoke --group orders --reason x --fencing-version 0', '--fencing-version is "0": '],
    ['leader revoke --group orders --fencing-version 1', '--reason'],
    ['leader watch --group orders --every 5', '--every is "5"'],
    ['lead --group orders --wait 10s --no-wait -- true', '--wait and --no-wait exclude each other: give one of them.'],
    ['lead --group orders --no-wait --wait 10s -- true', '--wait and --no-wait exclude each other: give one of them.'],
    ['lock orders --no-wait --wait 10s -- true', '--wait and --no-wait exclude each other: give one of them.'],
    ['lead --group orders --allow-host lb.internal -- true', '--allow-host needs --health'],
    [`semaphore ${'s'.repeat(120)} --permits 2 -- true`, 'beginning with a letter or digit, at most 119 characters.'],
    ['semaphore a/b --permits 2 -- true', 'NAME is "a/b": use letters'],
    ['groups --url nope', '--url "nope" is not an http or https URL'],
    ['groups --url http://a --stack b', 'exclude each other'],
    ['lead -- true', '--group'],
    ['lead --group orders', '<command> is missing'],
    ['lead --group', '--group needs a value, <name>'],
    ['semaphore few -- true', '--permits <n> is missing'],
    ['semaphore few --permits 0 -- true', '--permits is "0": It must be a whole number from 1 to 100.'],
    ['lead --group a/b -- true', '--group is "a/b": use letters'],
    ['lead --group orders --id -x -- true', '--id is "-x": use letters'],
    ['lead --group orders --lease 15 -- true', '--lease is "15"'],
    ['lead --group orders --lease 10ms -- true', '--lease is 10ms: give 1s to 1h'],
    [
      'lead --group orders --lease 60s --renew-every 28s -- true',
      '--renew-every 28 s is too long for --lease 60 s: give less than 28 s',
    ],
    ['lead --group orders --hand-over-to b -- true', '--hand-over-to needs --hand-over-on'],
    ['lead --group orders --hand-over-on SIGUSR1 --hand-over-to a/b -- true', '--hand-over-to is "a/b": use letters'],
    ['lead --group orders --hand-over-on SIGTERM -- true', '--hand-over-on is "SIGTERM": give SIGUSR1 or SIGUSR2'],
    [
      'lead --group orders --lease 1s --max-clock-skew 600ms -- true',
      '--max-clock-skew 0.6 s must be below half of --lease 1.0 s',
    ],
    ['lead --group orders --lease 10h -- true', '--lease is 10h: give 1s to 1h'],
    ['groups --url localhost:8787', '"localhost:8787" is not an http or https URL'],
    ['leader show --grup orders', "unknown option '--grup' (Did you mean --group?)"],
    ['leeder show', "unknown command 'leeder' (Did you mean leader?)"],
    ['lead --group orders --grace soon -- true', '--grace is "soon"'],
  ] as const) {
    const { code, err, urls } = await cli(line.split(' ').filter(Boolean));
    expect(err, line).toContain(message);
    expect(code, line).toBe(64);
    expect(urls, line).toEqual([]);
  }
});

test('a variable that is wrong is named, not the option that was not typed', async () => {
  for (const [env, argv, message] of [
    [{ TENURE_GROUP: 'a/b' }, ['leader', 'show'], 'TENURE_GROUP is "a/b": use letters'],
    [{ TENURE_GROUP: 'a/b' }, ['leader', 'show', '-g', 'c/d'], '--group is "c/d": use letters'],
    [{ TENURE_TABLE: 'a b' }, ['groups'], 'TENURE_TABLE is "a b": a table has 3 to 255 letters'],
    [{ TENURE_URL: 'nope' }, ['groups'], 'TENURE_URL "nope" is not an http or https URL'],
    [{ TENURE_URL: 'nope' }, ['groups', '--url', 'no'], '--url "no" is not an http or https URL'],
  ] as const) {
    const { code, err, urls } = await cli([...argv], undefined, env);
    expect({ code, err, urls }).toEqual({ code: 64, err: expect.stringContaining(message), urls: [] });
  }
});

test('errors are JSON with --json, and their codes become exit codes', async () => {
  const refused = (status: number, code: string) => () =>
    new Response(JSON.stringify({ code, detail: 'because', retryable: false }), { status });
  for (const [respond, exitCode, code] of [
    [refused(403, 'forbidden'), 77, 'forbidden'],
    [refused(409, 'leadership_lost'), 75, 'leadership_lost'],
    [refused(400, 'invalid_request'), 64, 'invalid_request'],
    [refused(404, 'not_found'), 1, 'not_found'],
    [() => new Response('<html>'), 69, 'unexpected_answer'],
  ] as const) {
    const { err, out, ...ended } = await cli(['groups', '--json'], respond);
    expect(ended.code).toBe(exitCode);
    expect(JSON.parse(err)).toMatchObject({ error: { code } });
    expect(out).toBe('');
  }
});

test('the address is --url, else TENURE_URL, else the local one', async () => {
  const empty = () => Response.json({ items: [] });
  expect((await cli(['groups', '--url', 'http://here:1/'], empty)).urls).toEqual(['http://here:1/v1/groups']);
  expect((await cli(['groups'], empty)).urls).toEqual(['http://127.0.0.1:8787/v1/groups']);
});

test("others' text cannot command the terminal", async () => {
  const leader = {
    contenderId: 'a',
    sessionId: '0d3c0d5a-6a3f-4f0c-9d4b-3a6c1a52a1f1',
    address: '\u001b]0;owned\u0007\u001b[2J',
    metadata: null,
    confirmedAt: '2026-11-01T12:00:00.000Z',
    expiresAt: '2026-11-01T12:00:00.000Z',
  };
  const shown = await cli(['leader', 'show', '--group', 'g'], () =>
    Response.json({ leader, fencingVersion: 1, pending: false, availableInMs: 5_000 }),
  );
  expect(shown.code).toBe(0);
  expect(shown.out).toContain('\\u001b]0;owned\\u0007\\u001b[2J');
});
