import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { type ConnectionOptions, clientAt, locate, withConnection, withGroup } from './connection.ts';
import { durationOption, readDuration } from './duration.ts';
import { UsageError } from './exit.ts';
import { checkedName } from './names.ts';
import { duration } from './output.ts';
import type { Shell } from './shell.ts';

interface LeadOptions extends ConnectionOptions {
  group: string;
  id?: string;
  lease: number;
  address: string;
  readyFile?: string;
  grace: number;
  maxClockSkew: number;
  /** ms of --wait; false for --no-wait. */
  wait?: number | false;
  stay?: boolean;
  restart?: boolean;
  renewEvery?: number;
  handOverPoll?: number;
  handOverOn?: 'SIGUSR1' | 'SIGUSR2';
  handOverTo?: string;
}

const more = `
The command gets TENURE_GROUP, TENURE_FENCING_VERSION, TENURE_SESSION_ID and TENURE_URL, so that tenure commands in it act for the term.
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
  tenure lead --group orders --stay --hand-over-on SIGUSR1 --hand-over-to host-2 node worker.js`;

export function leadCommand(program: Command, shell: Shell): void {
  const command = program
    .command('lead')
    .description('run a command only while this process holds the lease of a group')
    .usage('--group NAME [options] [--] command [args…]')
    .argument('<command...>', 'the program to run, with its arguments')
    .passThroughOptions();
  withConnection(withGroup(command, shell))
    .option('--id <name>', 'name of this contender (default: host, process id and a random part)')
    .addOption(
      durationOption('--lease <duration>', 'length of the lease, 1s to 1h', '15s', {
        least: '1s',
        most: '1h',
      }),
    )
    .option('--address <text>', 'where the leader is reached, shown to observers', `${hostname()}:${process.pid}`)
    .option(
      '--ready-file <path>',
      'confirm when this file appears instead of when the command runs; removed before each start',
    )
    .addOption(durationOption('--grace <duration>', 'time between SIGTERM and SIGKILL', '5s'))
    .addOption(durationOption('--max-clock-skew <duration>', "the service's allowance for clock skew", '250ms'))
    .addOption(
      new Option('--wait <duration>', 'wait so long for the lease (default: as long as it takes)').argParser(
        readDuration('--wait'),
      ),
    )
    .option('--no-wait', 'ask once: exit code 75 if another leads')
    .option('--stay', 'contend again when leadership was lost, and wait out what a deployment can cause for a moment')
    .option('--restart', 'contend again when the command ended')
    .addOption(
      new Option(
        '--hand-over-on <signal>',
        'this signal hands the term over, instead of being passed on to the command',
      ).choices(['SIGUSR1', 'SIGUSR2']),
    )
    .option('--hand-over-to <contender>', 'whom that signal hands the term to (default: the first to contend)')
    .addOption(
      new Option('--renew-every <duration>', 'time between renewals (default: a third of the lease)').argParser(
        readDuration('--renew-every', { least: '1ms', most: '1h' }),
      ),
    )
    .addOption(
      new Option(
        '--hand-over-poll <duration>',
        'time between two looks at the lease while waiting for it; 0s: sleep until it would run out (default: a third of the lease)',
      ).argParser(readDuration('--hand-over-poll')),
    )
    .addHelpText('after', more)
    .action((argv: string[], options: LeadOptions) => act(argv, options, shell));
}

async function act(command: string[], options: LeadOptions, shell: Shell): Promise<void> {
  const { group, json = false, stay = false, restart = false, wait } = options;
  const { checkExecutable } = await import('./lead/executable.ts');
  const contenderId = await checkedContender(options);
  checkExecutable(command[0] ?? '', shell.env);
  const location = await locate(options, shell);
  const client = await clientAt(location);
  const { closeInherited } = await import('./lead/descriptors.ts');
  const { lead } = await import('./lead/run.ts');
  const { Report } = await import('./lead/report.ts');
  const { Guard } = await import('./lead/guard.ts');
  const { Signals } = await import('./lead/signals.ts');
  const { TENURE_IGNORED_SIGNALS: ignored = '', ...env } = shell.env;
  closeInherited(command);
  const report = new Report(shell, json, group);
  const guard = new Guard((why) => report.note(`the guard of the command failed: ${why}; starting another`));
  const signals = new Signals({ underNpm: env['npm_command'] === 'exec', ignored: ignored.split(/\s+/) });
  try {
    await lead(
      {
        client,
        group,
        contenderId,
        address: options.address,
        leaseMs: options.lease,
        maxClockSkewMs: options.maxClockSkew,
        graceMs: options.grace,
        readyFile: options.readyFile,
        waitMs: wait === false ? 0 : wait,
        stay,
        renewEveryMs: options.renewEvery,
        handoverPollMs: options.handOverPoll,
        handOverOn: options.handOverOn,
        handOverTo: options.handOverTo,
        command,
        env: { ...env, ...(location.region && { TENURE_REGION: location.region }) },
        guard,
        report,
        signals,
      },
      { stay, restart },
    );
  } finally {
    signals.end();
    guard.end();
  }
}

/** Refuses, in the words of the command line, what the service would refuse each time. */
async function checkedContender(options: LeadOptions): Promise<string> {
  const { id, lease, maxClockSkew, address, renewEvery = 0, handOverOn, handOverTo } = options;
  const { defaultContenderId } = await import('../client/leadership/contender-id.ts');
  const { requestTimeoutFor } = await import('../client/leadership/settings.ts');
  if (maxClockSkew * 2 >= lease) {
    throw new UsageError(
      `--max-clock-skew ${duration(maxClockSkew)} must be below half of --lease ${duration(lease)}.`,
    );
  }
  if (address.length === 0 || address.length > 256) {
    throw new UsageError(`--address has ${address.length} characters: give 1 to 256.`);
  }
  const longest = (lease - requestTimeoutFor(lease)) / 2;
  if (renewEvery >= longest) {
    throw new UsageError(
      `--renew-every ${duration(renewEvery)} is too long for --lease ${duration(lease)}: give less than ${duration(longest)}, so that one lost renewal does not cost the term.`,
    );
  }
  if (handOverTo !== undefined) {
    checkedName('--hand-over-to', handOverTo);
    if (!handOverOn) throw new UsageError('--hand-over-to needs --hand-over-on, the signal that hands the term over.');
  }
  return id === undefined ? defaultContenderId() : checkedName('--id', id);
}
