import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { describe, expect, test, vi } from 'vitest';
import { afterDashes, outputOf, refuseEmpty } from '../../../../cli/jobs/producer.ts';

const shell = (script: string) => outputOf(['sh', '-c', script], new AbortController().signal);

describe('the output of a command', () => {
  test('ends well when the command exits 0', async () => {
    expect(await text(shell('printf one; printf two'))).toBe('onetwo');
  });

  test.each([
    ['exits otherwise', 'printf half; exit 3', '"sh" exited with 3; nothing was committed.'],
    ['is ended by a signal', 'printf half; kill -TERM $$', 'SIGTERM ended "sh"; nothing was committed.'],
    [
      'exits otherwise after it has closed its output',
      'printf all; exec >&-; sleep 0.2; exit 4',
      '"sh" exited with 4; nothing was committed.',
    ],
  ])('ends with an error when the command %s', async (_, script, message) => {
    await expect(text(shell(script))).rejects.toMatchObject({ code: 'producer_failed', message });
  });

  test('ends with an error when there is no such command', async () => {
    const output = outputOf(['no-such-command'], new AbortController().signal);
    await expect(text(output)).rejects.toThrow('"no-such-command" cannot be run (ENOENT); nothing was committed.');
  });

  test('ends with the command, which the signal stops', async () => {
    const stop = new AbortController();
    const output = outputOf(['sh', '-c', 'echo $$; exec sleep 600'], stop.signal);
    const pieces = output[Symbol.asyncIterator]();
    const pid = Number((await pieces.next()).value);
    stop.abort();
    await expect(pieces.next()).rejects.toMatchObject({ code: 'producer_failed' });
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
  });
});

describe('an empty input', () => {
  test('is an error that says what to do', async () => {
    for (const pieces of [[], [new Uint8Array()]]) {
      await expect(text(refuseEmpty(Readable.from(pieces), 'Standard input'))).rejects.toMatchObject({
        code: 'empty_input',
        message: expect.stringMatching(/^Standard input is empty; nothing was committed\. .* --allow-empty/),
      });
    }
  });

  test('is told from a short one', async () => {
    expect(await text(refuseEmpty(Readable.from([Buffer.from('x')]), 'Standard input'))).toBe('x');
  });
});

test('words after the dashes are told from an argument', async () => {
  const found: unknown[] = [];
  const program = new Command();
  const add = program.command('checkpoint').command('add').argument('<job>').argument('[file...]');
  add.action((_job, _files, _options, command) => void found.push(afterDashes(command)));
  for (const argv of [['job'], ['job', 'file'], ['job', '--', 'dump', '-v'], ['job', '--']])
    await program.parseAsync(['checkpoint', 'add', ...argv], { from: 'user' });
  expect(found).toEqual([undefined, undefined, ['dump', '-v'], []]);
});
