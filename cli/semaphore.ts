import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LeaseOptions } from './lead/under-lease.ts';
import { ownAddress, withLease } from './lock.ts';
import { checkedName } from './names.ts';
import type { Shell } from './shell.ts';

interface SemaphoreOptions extends LeaseOptions {
  permits: number;
}

/** Each look at a semaphore whose permits are all held reads every one of them. */
const mostPermits = 100;

const more = `
Holds one of N permits while the command runs: at most N processes run it at a time. All of them must give the same --permits. Each permit is a
group, NAME.permit-1 to NAME.permit-N, with fencing versions of its own; the command gets its number as TENURE_PERMIT, and the same as with
tenure lock besides. Waiting is not in order of arrival. Write -- before the command.

Exit code: as of tenure lock.`;

export function semaphoreCommand(program: Command, shell: Shell): void {
  const command = program
    .command('semaphore')
    .description('run a command while this process holds one of N permits')
    .usage('NAME --permits N [--wait 5m|--no-wait] -- command [args…]')
    .argument('<name>', 'the semaphore')
    .argument('<command...>', 'the program to run, with its arguments');
  withLease(command)
    .addOption(
      new Option('--permits <n>', `how many may run at a time, 1 to ${mostPermits}`)
        .argParser(readPermits)
        .makeOptionMandatory(),
    )
    .addHelpText('after', more)
    .action(async (name: string, argv: string[], options: SemaphoreOptions) => {
      const { underLease } = await import('./lead/under-lease.ts');
      const { leadOnePermit, permitGroup } = await import('./lead/permit.ts');
      checkedName('NAME', name, permitGroup('', options.permits));
      const settings = { ...options, address: ownAddress, group: name };
      await underLease(argv, settings, shell, (one) => leadOnePermit(one, options.permits));
    });
}

function readPermits(text: string): number {
  const permits = Number(text);
  if (/^\d+$/.test(text) && permits >= 1 && permits <= mostPermits) return permits;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${mostPermits}.`);
}
