import { execFileSync } from 'node:child_process';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { programFor, runCli } from '../../../cli/main.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { recordedShell } from '../../support/shell.ts';

async function tenure(...argv: string[]) {
  const { shell, out, err } = recordedShell();
  return { code: await runCli(argv, shell), out: out(), err: err() };
}

/** Every command by its words. */
function commands(command: Command, path: string[] = []): [string, Command][] {
  const below = command.commands.flatMap((one) => commands(one, [...path, one.name()]));
  return [[path.join(' '), command], ...below];
}

const all = () => commands(programFor(recordedShell().shell, (message) => expect.fail(message)));

test('--version is that of the package', async () => {
  expect(await tenure('--version')).toEqual({ code: 0, out: `${packageJson.version}\n`, err: '' });
});

describe('examples', () => {
  test.each(all().map(([path]) => path))(
    'the help of "%s" ends with some, which the parser understands',
    async (path) => {
      const { out } = await tenure(...path.split(' ').filter(Boolean), '--help');
      const [, text = ''] = out.split('\nExamples:\n');
      const lines = text.trim().split('\n');
      expect(text.trim(), 'add some to cli/examples.ts').not.toBe('');
      for (const line of lines) {
        const command = /\btenure (.*?)(?: [|>] .*|\))?$/.exec(line.trim())?.[1] ?? expect.fail(line);
        const words = execFileSync('bash', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' })
          .split('\0')
          .slice(0, -1);
        const program = programFor(recordedShell().shell, (message) => expect.fail(`${line}: ${message}`));
        for (const [, one] of commands(program)) if (one.commands.length === 0) one.action(() => {});
        await program.parseAsync(words, { from: 'user' });
      }
    },
  );
});

describe('suggestions', () => {
  test.each([
    ['leader show --grup orders', "unknown option '--grup' (Did you mean --group?)"],
    ['leeder show', "unknown command 'leeder' (Did you mean leader?)"],
    ['leader shwo', "unknown command 'shwo' (Did you mean show?)"],
    ['lead --stey -g orders true', "unknown option '--stey' (Did you mean --stay?)"],
  ])('%s', async (line, said) => {
    const { code, err } = await tenure(...line.split(' '));
    expect({ code, err }).toEqual({ code: 64, err: `tenure: ${said} (see --help)\n` });
  });
});

describe('completion', () => {
  /** Bash's completions of the last word. */
  function offered(script: string, ...words: string[]): string[] {
    const line = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _tenure; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', line], { encoding: 'utf8' }).split('\n').filter(Boolean);
  }

  test('in bash, of commands, subcommands and options at each place', async () => {
    const { out: script } = await tenure('completion', 'bash');
    expect(offered(script, 'tenure', 'lea')).toEqual(['lead', 'leader']);
    expect(offered(script, 'tenure', 'leader', '')).toContain('revoke');
    expect(offered(script, 'tenure', 'leader', 'show', '--c')).toEqual(['--consistent']);
    expect(offered(script, 'tenure', '--json', 'log', 'append', 'events', '--b')).toEqual(['--batch']);
    // The value of an option is not ours to know.
    expect(offered(script, 'tenure', 'leader', 'show', '--group', '')).toEqual([]);
  });

  test.each(['bash', 'zsh', 'fish'])('in %s knows every command and every option', async (name) => {
    const { code, out } = await tenure('completion', name);
    expect(code).toBe(0);
    for (const [path, command] of all()) {
      if (path !== '') expect(out, path).toContain(`' ${path}'`);
      for (const { long } of command.options)
        expect(out).toContain(name === 'fish' ? `-l ${long?.slice(2)}` : String(long));
    }
  });

  test('of an unknown shell is refused with those that are known', async () => {
    const { code, err } = await tenure('completion', 'csh');
    expect(code).toBe(64);
    expect(err).toContain('<shell> is "csh": give bash, zsh or fish (see --help)');
  });
});
