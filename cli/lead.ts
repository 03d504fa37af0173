import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { allowHostOption } from './allow-host.ts';
import { withConnection, withGroup, withTable } from './connection.ts';
import { healthOption } from './lead/health.ts';
import {
  graceOption,
  handOverPollOption,
  idOption,
  leaseOption,
  renewOption,
  skewOption,
  withWait,
} from './lead/lease-options.ts';
import type { LeaseOptions } from './lead/under-lease.ts';
import type { Shell } from './shell.ts';

interface LeadOptions extends LeaseOptions {
  stay?: boolean;
  restart?: boolean;
}

const more = `
The command gets TENURE_GROUP, TENURE_FENCING_VERSION, TENURE_SESSION_ID and TENURE_URL (with --table TENURE_TABLE), so that tenure commands in it act for the term.
It runs as a process group of its own. When leadership is lost the group gets SIGTERM, and SIGKILL after the grace; the same happens when
tenure lead itself is killed, or stands still until the lease has run out. Signals are passed on to the group. Options after the command
belong to the command.

With --hand-over-on a signal to tenure lead ends the command and hands the term to another contender; with --stay it then waits for its turn
again. From elsewhere tenure leader hand-over does the same.

Exit code: that of the command (128 + N after signal N, 126 or 127 when it cannot be run), or 75 when leadership was lost or, with --wait or
--no-wait, another leads.

Examples:
  tenure lead --group orders -- node worker.js
  tenure lead --group orders --lease 5s --stay --restart node worker.js --port 80
  tenure lead --group nightly-report --no-wait ./report.sh
  tenure lead --group orders --stay --hand-over-on SIGUSR1 --hand-over-to host-2 node worker.js
  tenure lead --group orders --stay --restart --health :8080 -- node server.js
  tenure lead --table my-leases --group orders -- node worker.js`;

export function leadCommand(program: Command, shell: Shell): void {
  const command = program
    .command('lead')
    .description('run a command only while this process holds the lease of a group')
    .usage('--group NAME [options] [--] command [args…]')
    .argument('<command...>', 'the program to run, with its arguments')
    .passThroughOptions();
  const connected = withTable(withConnection(withGroup(command, shell)));
  withWait(connected, { wait: 'wait so long for the lease', noWait: 'ask once: exit code 75 if another leads' })
    .addOption(idOption())
    .addOption(leaseOption())
    .option('--address <text>', 'where the leader is reached, shown to observers', `${hostname()}:${process.pid}`)
    .option(
      '--ready-file <path>',
      'confirm when this file appears instead of when the command runs; removed before each start',
    )
    .addOption(graceOption())
    .addOption(skewOption())
    .option('--stay', 'contend again when leadership was lost, and wait out what a deployment can cause for a moment')
    .option('--restart', 'contend again when the command ended')
    .addOption(
      new Option(
        '--hand-over-on <signal>',
        'this signal hands the term over, instead of being passed on to the command',
      ).choices(['SIGUSR1', 'SIGUSR2']),
    )
    .option('--hand-over-to <contender>', 'whom that signal hands the term to (default: the first to contend)')
    .addOption(renewOption())
    .addOption(handOverPollOption())
    .addOption(healthOption())
    .addOption(allowHostOption('IP addresses and localhost, with --health'))
    .addHelpText('after', more)
    .action(async (argv: string[], options: LeadOptions) => {
      const { stay = false, restart = false } = options;
      const { underLease } = await import('./lead/under-lease.ts');
      const { lead } = await import('./lead/run.ts');
      await underLease(argv, options, shell, (settings) => lead(settings, { stay, restart }));
    });
}
