import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { project } from '../../support/stack.ts';
import { everyStreams, inTerminal, type Streams, terminalsAvailable } from '../../support/terminal/in-terminal.ts';
import { ended, gate, start } from '../backups/backups.ts';
import { type Env, leading, said } from '../leadership/command-line.ts';
import { newGroup } from '../leadership/tenure.ts';

const watched: Streams = { stdin: 'terminal', stdout: 'terminal', stderr: 'terminal' };
const asStarted = [{ canonical: true, echo: true, signals: true }];

function typed(env: Env, streams: Streams, ...argv: string[]) {
  const command = [process.execPath, join(project, 'cli/tenure.mjs'), ...argv];
  const { TENURE_FENCING_VERSION, TENURE_SESSION_ID, TENURE_GROUP, ...outside } = process.env;
  const terminal = inTerminal(command, { streams, env: { ...outside, TENURE_URL: inject('stack').api, ...env } });
  onTestFinished(() => terminal.kill());
  return terminal;
}

/** The screen in the end: a line that was cleared is gone. */
const leftOn = (raw: string) =>
  raw
    .split('\n')
    .map((line) =>
      line
        .slice(line.lastIndexOf('\u001b[2K') + 1)
        .replace('[2K', '')
        .trim(),
    )
    .filter((line) => line !== '')
    .join('\n');

describe.runIf(terminalsAvailable)('on a terminal', () => {
  test.each(everyStreams)(
    'a state that is committed with %j is whole, and the terminal keeps its mode',
    async (streams) => {
      const env = await leading();
      await said(env, 'job', 'submit', 'nightly', '--graph', join(project, 'package.json'));
      const adding = typed(env, streams, 'checkpoint', 'add', 'nightly', '-');
      // 0x03 is what Ctrl-C types: in a pipe it is a byte like any other.
      const state = streams.stdin === 'pipe' ? Buffer.concat([Buffer.from([3, 4]), randomBytes(200_000)]) : 'typed\n';
      if (streams.stdin === 'pipe') {
        adding.feed(state);
        adding.endInput();
      } else {
        adding.type(`${state}\x04`);
      }
      expect(await adding.ended()).toEqual({ code: 0, modes: asStarted });
      const fetched = typed(env, { ...watched, stdout: 'pipe' }, 'checkpoint', 'get', 'nightly');
      expect((await fetched.ended()).code).toBe(0);
      expect(fetched.out().equals(Buffer.from(state as string))).toBe(true);
    },
  );

  test('progress leaves only the result behind, or says that it is done where that goes elsewhere', async () => {
    const env: Env = { TENURE_GROUP: newGroup() };
    await said(env, 'log', 'create', 'events');
    const appended = async (streams: Streams) => {
      const appending = typed(env, streams, 'log', 'append', 'events');
      appending.feed('an entry\n');
      appending.endInput();
      expect(await appending.ended()).toEqual({ code: 0, modes: asStarted });
      return appending;
    };
    const shown = await appended({ ...watched, stdin: 'pipe' });
    expect(leftOn(shown.raw())).toBe('1 entry, position 1');
    const piped = await appended({ ...watched, stdin: 'pipe', stdout: 'pipe' });
    expect(leftOn(piped.raw())).toBe('✔ Appended to events');
    expect(piped.out().toString()).toBe('1 entry, position 2\n');
  });

  test('lines that are typed are echoed as typed, and Ctrl-D ends them', async () => {
    const env: Env = { TENURE_GROUP: newGroup() };
    await said(env, 'log', 'create', 'events');
    const appending = typed(env, watched, 'log', 'append', 'events');
    appending.type('first\n');
    await appending.says('first');
    appending.type('second\n\x04');
    expect(await appending.ended()).toEqual({ code: 0, modes: asStarted });
    expect(appending.screen().replaceAll('\r', '')).toBe('first\nsecond\n2 entries, positions 1 to 2\n');
  });

  test('Ctrl-C ends a command that waits with 130, and one line says what continues', async () => {
    const group = newGroup();
    const held = gate();
    onTestFinished(held.open);
    await start({ onTestFinished }, group, 'worker', { at: (moment) => moment === 'half' && held.wait() });
    const waiting = typed({ TENURE_GROUP: group }, watched, 'backup', 'create');
    await held.reached;
    await waiting.says('RUNNING');
    waiting.type('\x03');
    expect(await waiting.ended()).toEqual({ code: 130, modes: asStarted });
    const [last = ''] = waiting.screen().trimEnd().split('\n').slice(-1);
    const [, backupId = ''] = /backup (\S+) continues without this command/.exec(last) ?? [];
    expect(last).toContain(`tenure backup wait ${backupId} --group ${group}`);
    expect(last).toContain(`tenure backup cancel ${backupId} --group ${group}`);
    held.open();
    expect(await ended(group, backupId)).toMatchObject({ state: 'COMPLETED' });
  });

  test('an entry of the log is written byte for byte, while text from elsewhere cannot command the terminal', async () => {
    const env: Env = { TENURE_GROUP: newGroup() };
    await said(env, 'log', 'create', 'events');
    const appending = typed(env, { ...watched, stdin: 'pipe' }, 'log', 'append', 'events');
    appending.feed('\u001b[2J\u202e\n');
    appending.endInput();
    expect((await appending.ended()).code).toBe(0);
    const reading = typed(env, { ...watched, stdout: 'pipe' }, 'log', 'read', 'events');
    await reading.ended();
    expect(reading.out().toString()).toBe('\u001b[2J\u202e\n');
    const refused = typed(env, watched, 'checkpoint', 'get', '\u001b[2J\u202e');
    expect((await refused.ended()).code).not.toBe(0);
    expect(refused.raw()).not.toContain('\u001b[2J\u202e');
  });
});
