/** The standard streams that a shell can leave a command with: closed, full, without a reader. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { project } from '../../support/stack.ts';
import { type Env, fed, leading, said } from '../leadership/command-line.ts';
import { client, newGroup, run } from '../leadership/tenure.ts';

/** As an installed package runs it. */
const tenure = join(project, 'cli/tenure');
let env: Env;

beforeAll(async () => {
  env = await leading();
  await said(env, 'log', 'create', 'events');
  expect((await fed(env, 'an entry\n', 'log', 'append', 'events')).code).toBe(0);
  await said(env, 'job', 'submit', 'nightly', '--graph', join(project, 'package.json'));
  await said(env, 'checkpoint', 'add', 'nightly', join(project, 'package.json'));
});

async function typed(line: string) {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const shell = run('env', [...variables, 'sh', '-c', line]);
  return { code: await shell.ended(), output: shell.output() };
}

/** One of each kind: text, JSON, bytes, entries, a stream, help. */
const kinds = [
  'leader show',
  'groups --json',
  'checkpoint get nightly',
  'log read events',
  'leader watch',
  'lead --help',
];

describe('standard output', () => {
  test.each(['leader show', 'groups --json', 'lead --help'])('closed for tenure %s', async (kind) => {
    const { code, output } = await typed(`${tenure} ${kind} >&-`);
    expect(output).toMatch(/^(tenure: |.*"message":")cannot write to standard output \(it is closed\)("}})?\n$/);
    expect(code).toBe(74);
  });

  test.runIf(existsSync('/dev/full')).each(kinds)('full for tenure %s', async (kind) => {
    const { code, output } = await typed(`${tenure} ${kind} >/dev/full`);
    expect(output).toMatch(/^(tenure: |.*"message":")cannot write to standard output \(ENOSPC/);
    expect(code).toBe(74);
  });

  test('without a reader: the end is quiet', async () => {
    expect(await typed(`{ ${tenure} --help; echo $? >&2; } | true`)).toEqual({ code: 0, output: '0\n' });
  });

  test('closed: nothing is changed', async () => {
    const group = newGroup();
    await leading(group);
    const { code } = await typed(`${tenure} leader revoke -g ${group} --fencing-version 1 --reason test >&-`);
    expect(code).toBe(74);
    expect((await client().observe(group, { consistent: true })).pending).toBe(true);
  });

  test('closed for a command that runs under a lease: that has nothing to print', async () => {
    const { code, output } = await typed(`${tenure} lock ${newGroup()} -- true >&-`);
    expect(output).toContain('exited with 0');
    expect(code).toBe(0);
  });
});

test('standard input that is closed is not an empty one', async () => {
  const { code, output } = await typed(`${tenure} log append events <&-`);
  expect(output).toBe('tenure: Standard input is closed: name a file, or redirect one.\n');
  expect(code).toBe(64);
  expect((await typed(`${tenure} leader show <&-`)).code).toBe(0);
});
