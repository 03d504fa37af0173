import { expect, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';

const env = {
  TENURE_GROUP: 'orders',
  TENURE_FENCING_VERSION: '1',
  TENURE_SESSION_ID: '0250e988-c625-4d92-bdce-ad9aeacefa3e',
};

/** The command's last words, when the service answers each request with this problem. */
async function said(line: string, problem: { status: number; code: string; detail: string }) {
  const { shell, err } = recordedShell(env, { input: 'state' });
  const body = JSON.stringify({ title: '', retryable: false, ...problem });
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response(body, problem));
  onTestFinished(() => fetch.mockRestore());
  const code = await runCli(words(line), shell);
  return { code, text: err().trim() };
}

/** As a shell splits it: blanks, unless within single quotes. */
const words = (line: string) =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

const ofPrograms =
  /\b(PUT|POST|GET|DELETE)\b|must match|\b\w+Ms\b|Invalid input|Too (big|small)|\bnull\b|Idempotency-Key|allowLeader/;

const long = 'x'.repeat(2_000);
const never = { status: 500, code: 'internal', detail: 'not to be asked' };

test.each([
  ["leader revoke --fencing-version 1 --reason ''", '--reason: it is empty'],
  [`leader revoke --fencing-version 1 --reason ${long}`, '--reason: give at most'],
  ['leader revoke --fencing-version 999999999 --reason x', '--fencing-version: give at most 268435455'],
  ['leader hand-over --to a/b', '--to is "a/b": use letters, digits'],
  ['job show a/b', 'the name of the job: use letters, digits'],
  ['checkpoint latest .a', 'the name of the job: use letters, digits'],
  [`job finish nightly --detail ${long}`, '--detail: give at most 1024 characters'],
  ['backup show nonsense', 'the id of the backup: it is not a valid UUID'],
  ['backup ls --limit 0', '--limit: give at least 1'],
  ['backup policy --every 1s --retain 3', '--every: give at least'],
  ['backup policy --daily-at 02:30 --retain 0', '--retain: give at least 1'],
  ['log status a/b', 'use letters, digits'],
])('a value that does not fit is refused in the words that were typed: %.60s', async (line, sentence) => {
  const { code, text } = await said(line, never);
  expect(text).toContain(sentence);
  expect(text).not.toMatch(ofPrograms);
  expect(code).toBe(64);
});

test.each([
  [
    'log status journal',
    404,
    'not_found',
    'Group "orders" has no log "journal"; create it with PUT /v1/groups/orders/logs/journal.',
    'Group "orders" has no log "journal"; create it with tenure log create journal --group orders.',
  ],
  [
    'lead --lease 2s /bin/true',
    400,
    'invalid_request',
    'leaseMs is 2000, maxClockSkewMs is 1000: the skew must be below half the lease; ask for a lease above 2000 ms',
    '--lease 2.0 s is too short for this service, whose clocks may differ by 1.0 s: give more than 2.0 s.',
  ],
  [
    'checkpoint discard nightly --id 3',
    409,
    'newest_checkpoint',
    'Checkpoint 3 is the newest of job "nightly", which the next leader would recover; pass force to drop it.',
    'which the next leader would recover; give --force to drop it.',
  ],
  [
    'leader show',
    400,
    'invalid_request',
    'The AWS Region of table "leases" is not known: give region, or set AWS_REGION.',
    'give --region, or set AWS_REGION.',
  ],
  [
    'backup create',
    409,
    'no_worker',
    'Group "orders" has no worker; run `tenure worker --group orders`, or send allowLeader.',
    'run `tenure worker --group orders`, or give --allow-leader.',
  ],
])("the service's messages for programs are reworded for people: %s", async (line, status, code, detail, sentence) => {
  const { text } = await said(line, { status, code, detail });
  expect(text).toContain(sentence);
  expect(text).not.toMatch(ofPrograms);
});

test.each(['localhost:8787', 'file:///tmp', 'null'])('an address that is none is named: %s', async (url) => {
  const { code, text } = await said(`groups --url ${url}`, never);
  expect({ code, text }).toEqual({
    code: 64,
    text: `tenure: --url "${url}" is not an http or https URL: give one like http://127.0.0.1:8787.`,
  });
});
