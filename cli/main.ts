import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { clean } from './clean.ts';
import { commandGroups } from './commands.ts';
import { addExamples } from './examples.ts';
import { explain } from './exit.ts';
import type { Shell } from './shell.ts';
import { usageInWords } from './usage-words.ts';

const exitCodesHelp = `
Exit codes:
  0    done
  1    the service refused; the message says why
  64   the command line is wrong
  69   the service cannot be reached
  70   an error of tenure itself
  74   standard output cannot be written
  75   leadership was lost, or another contender holds it; --timeout was over before the end
  77   the caller may not do this
  130  ended by Ctrl-C; 0 for what has no other end: a watch, a worker, the console
  tenure lead, lock and semaphore end with the exit code of their command, 128 + N when signal N ended that.

The address of the API: --url, --stack, TENURE_URL, TENURE_STACK, or http://127.0.0.1:8787 (npm start).
Direct mode, for commands of leadership: --table, or TENURE_TABLE.
The group: --group, or TENURE_GROUP.`;

/** Runs one command line and returns its exit code; errors are explained on standard error. */
export async function runCli(argv: readonly string[], given: Shell): Promise<number> {
  const shell = cleanShell(given);
  const asJson = optionsOf(argv).includes('--json');
  const sayError = (code: string | undefined, message: string) =>
    shell.err(asJson ? JSON.stringify({ error: { code, message } }) : `tenure: ${message}`);
  const program = programFor(shell, (message) => sayError('usage', message));
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    const { exitCode, message, code } = explain(error);
    if (message !== undefined) sayError(code, message);
    return exitCode;
  }
}

/** The words that belong to tenure: the rest is the command that runs under a lease. */
function optionsOf(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end < 0 ? argv : argv.slice(0, end);
}

/** The whole command tree; `onUsage` receives what is wrong with a command line. */
export function programFor(shell: Shell, onUsage: (message: string) => void): Command {
  const program = new Command('tenure')
    .description('Coordination without servers: leadership, jobs and checkpoints, a replicated log, backups')
    .version(packageJson.version, '--version', 'print the version of this command')
    .enablePositionalOptions()
    .addHelpText('after', exitCodesHelp)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.out(text.trimEnd()),
      writeErr: (text) => shell.err(text.trimEnd()),
      outputError: (text) => onUsage(`${usageInWords(text)} (see --help)`),
    });
  for (const register of commandGroups) register(program, shell);
  addExamples(program);
  return program;
}

/** The shell, whose terminal obeys nothing that is printed. */
function cleanShell(shell: Shell): Shell {
  return {
    env: shell.env,
    get input() {
      return shell.input;
    },
    out: (text) => shell.out(clean(text)),
    err: (text) => shell.err(clean(text)),
    write: (bytes) => shell.write(bytes),
    screen: shell.screen,
  };
}
