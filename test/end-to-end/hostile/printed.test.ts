/**
 * Text that somebody else has written, or that another server answers, and what it does to the terminal of who reads
 * it.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { submitJob } from '../../../api/operations/jobs.ts';
import { registerWorker } from '../../../api/operations/workers.ts';
import { asked, client, newGroup } from '../leadership/tenure.ts';

/** Sets the title, clears the screen, turns the direction of text, and begins a sequence in one character. */
const hostile = '\u001b]0;owned\u0007\u001b[2J\u202e\u009b31m\u2066x';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that must not be printed
const commanding = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const group = newGroup();

beforeAll(async () => {
  const fence = await client().contend(group, { contenderId: 'leader', leaseMs: 3_600_000 });
  await client().confirm(group, fence, { address: hostile, metadata: { note: hostile } });
  const params = { group, job: 'nightly' };
  await client().call(submitJob, { params, fence, body: { graph: { inline: 'aGk=' }, metadata: { note: hostile } } });
  await client().call(registerWorker, { params: { group, worker: 'standby' }, body: { host: hostile } });
});

const readers = [
  ['leader', 'show', '--group', group],
  ['leader', 'terms', '--group', group],
  ['job', 'ls', '--group', group],
  ['job', 'show', 'nightly', '--group', group],
  ['worker', 'ls', '--group', group],
  ['groups'],
  ['status'],
  ['explain', group],
];

test.each(readers.flatMap((line) => [[...line], [...line, '--json']]).map((line) => [line.join(' '), line] as const))(
  'tenure %s prints what others have written, and nothing that a terminal obeys',
  async (_line, line) => {
    const { code, output } = await asked(...line);
    // Groups of other tests have logs that recover, which `status` finds wrong.
    expect(line[0] === 'status' ? [0, 1] : [0], output).toContain(code);
    expect(output.length).toBeGreaterThan(10);
    expect(output).not.toMatch(commanding);
  },
);

test('the address of the leader is shown as it is spelled, with its control characters in words', async () => {
  const { output } = await asked('leader', 'show', '--group', group);
  expect(output).toContain(String.raw`\u001b]0;owned\u0007\u001b[2J\u202e\u009b31m\u2066x`);
});

test('a server that answers errors like that is quoted in the same way', async () => {
  const server = createServer((_, response) => {
    response.writeHead(409, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ code: 'limit_reached', title: hostile, detail: hostile, retryable: false }));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const line of [...readers, ['log', 'read', 'events', '--group', group], ['backup', 'ls', '--group', group]]) {
    for (const json of [[], ['--json']]) {
      const { output } = await asked(...line, '--url', url, ...json);
      expect(output).toContain('owned');
      expect(output).not.toMatch(commanding);
    }
  }
});

test('an archive whose manifest, and whose folder, are named like that is refused in words', async () => {
  const folder = mkdtempSync(join(tmpdir(), `tenure-${hostile}-`));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ group: hostile, files: [{ name: hostile }] }));
  for (const json of [[], ['--json']]) {
    const { code, output } = await asked('backup', 'verify', folder, ...json);
    expect(code).not.toBe(0);
    expect(output).not.toMatch(commanding);
  }
});
