import { Command } from 'commander';
import { clean } from './clean.ts';
import { commandGroups } from './commands.ts';
import { explain } from './exit.ts';
import type { Shell } from './shell.ts';

const exitCodesHelp = `
Exit codes:
  0   done
  1   the service refused; the message says why
  64  the command line is wrong
  69  the service cannot be reached
  70  an error of tenure itself
  75  leadership was lost, or another holds it; --timeout was over before the end
  77  the caller may not do this
  tenure lead ends with the exit code of its command, 128 + N when signal N ended that.

Without --url or --stack, TENURE_URL or http://127.0.0.1:8787 (npm start) is the address of the API.`;

/** Runs one command line and answers its exit code; what goes wrong is explained on standard error. */
export async function runCli(argv: readonly string[], given: Shell): Promise<number> {
  const shell = cleaned(given);
  const sayError = (code: string | undefined, message: string) =>
    shell.err(argv.includes('--json') ? JSON.stringify({ error: { code, message } }) : `tenure: ${message}`);
  const program = new Command('tenure')
    .description('Coordination without servers: leadership, jobs and checkpoints, a replicated log, backups')
    .addHelpText('after', exitCodesHelp)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => shell.out(text.trimEnd()),
      writeErr: (text) => shell.err(text.trimEnd()),
      outputError: (text) =>
        sayError(
          'usage',
          `${text
            .trim()
            .replace(/^error: /, '')
            .replaceAll('\n', ' ')} (see --help)`,
        ),
    });
  for (const register of commandGroups) register(program, shell);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    const { exitCode, message, code } = explain(error);
    if (message !== undefined) sayError(code, message);
    return exitCode;
  }
}

/** The shell whose terminal obeys no text that is printed. */
function cleaned(shell: Shell): Shell {
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
