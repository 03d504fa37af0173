import { hostname } from 'node:os';
import type { Command } from 'commander';
import { withConnection, withTable } from './connection.ts';
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
import { checkedName } from './names.ts';
import type { Shell } from './shell.ts';

const more = `
Holds the lock NAME while the command runs: of all that do so, one at a time. The lock is a group of this name, so tenure leader show -g NAME says
who holds it. Write -- before the command: options behind it are the command's. The command gets TENURE_GROUP, TENURE_FENCING_VERSION,
TENURE_SESSION_ID and TENURE_URL (with --table TENURE_TABLE); it should hand the version to what it writes to, which can then refuse an older holder.

Exit code: that of the command (128 + N after signal N, 126 or 127 when it cannot be run), or 75 when the lock is held by another, with --wait or
--no-wait, or was lost: the command has been stopped then.`;

export function lockCommand(program: Command, shell: Shell): void {
  const command = program
    .command('lock')
    .description('run a command while this process holds a lock, with a fencing version')
    .usage('NAME [--wait 5m|--no-wait] -- command [args…]')
    .argument('<name>', 'the lock')
    .argument('<command...>', 'the program to run, with its arguments');
  withLease(command)
    .addHelpText('after', more)
    .action(async (name: string, argv: string[], options: LeaseOptions) => {
      const { underLease } = await import('./lead/under-lease.ts');
      const { lead } = await import('./lead/run.ts');
      const settings = { ...options, address: ownAddress, group: checkedName('NAME', name) };
      await underLease(argv, settings, shell, (one) => lead(one, { stay: false, restart: false }));
    });
}

export const ownAddress = `${hostname()}:${process.pid}`;

/** Adds the options of a command that holds a lease only while its command runs. */
export function withLease(command: Command): Command {
  const words = { wait: 'wait so long', noWait: 'ask once: exit code 75 if it is held' };
  return withWait(withTable(withConnection(command)), words)
    .addOption(idOption())
    .addOption(leaseOption())
    .addOption(graceOption())
    .addOption(skewOption())
    .addOption(renewOption())
    .addOption(handOverPollOption());
}
