import { hostname } from 'node:os';
import type { Command } from 'commander';
import { type ConnectionOptions, connect, withConnection, withGroup } from './connection.ts';
import { durationOption } from './duration.ts';
import { UsageError } from './exit.ts';
import type { Shell } from './shell.ts';

interface LeadOptions extends ConnectionOptions {
  group: string;
  id?: string;
  lease: number;
  address: string;
  readyFile?: string;
  grace: number;
  maxClockSkew: number;
  stay?: boolean;
  restart?: boolean;
}

const more = `
The command gets TENURE_GROUP, TENURE_FENCING_VERSION, TENURE_SESSION_ID and TENURE_URL, so that tenure commands in it act for the term.
It runs as a process group of its own. When leadership is lost the group gets SIGTERM, and SIGKILL after the grace; the same happens when
tenure lead itself is killed, or stands still until the lease has run out. Signals are passed on to the group.

Exit code: that of the command (128 + N after signal N, 127 when there is no such command), or 75 when leadership was lost.`;

export function leadCommand(program: Command, shell: Shell): void {
  const command = program
    .command('lead')
    .description('run a command only while this process holds the lease of a group')
    .usage('--group NAME [options] -- command [args…]')
    .argument('<command...>', 'what to run, after --');
  withConnection(withGroup(command, shell))
    .option('--id <name>', 'name of this contender (default: host, process id and a random part)')
    .addOption(durationOption('--lease <duration>', 'length of the lease', '15s'))
    .option('--address <text>', 'where the leader is reached, shown to observers', `${hostname()}:${process.pid}`)
    .option(
      '--ready-file <path>',
      'confirm when this file appears instead of when the command runs; removed before each start',
    )
    .addOption(durationOption('--grace <duration>', 'time between SIGTERM and SIGKILL', '5s'))
    .addOption(durationOption('--max-clock-skew <duration>', 'as the service has it', '250ms'))
    .option('--stay', 'contend again when leadership was lost')
    .option('--restart', 'contend again when the command ended')
    .addHelpText('after', more)
    .action((argv: string[], options: LeadOptions) => act(argv, options, shell));
}

async function act(command: string[], options: LeadOptions, shell: Shell): Promise<void> {
  const { group, json = false, stay = false, restart = false } = options;
  const client = await connect(options, shell);
  const { lead } = await import('./lead/run.ts');
  const { Report } = await import('./lead/report.ts');
  const { Guard } = await import('./lead/guard.ts');
  const { Signals } = await import('./lead/signals.ts');
  const { defaultContenderId } = await import('../client/leadership/contender-id.ts');
  const { checkNames, checkSettings } = await import('../client/leadership/settings.ts');
  const settings = { leaseMs: options.lease, maxClockSkewMs: options.maxClockSkew };
  const contenderId = options.id ?? defaultContenderId();
  try {
    checkNames(group, contenderId, options.address);
    checkSettings(settings);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const report = new Report(shell, json, group);
  const guard = new Guard((why) => report.note(`the guard of the command failed: ${why}; starting another`));
  const signals = new Signals(shell.env['npm_command'] === 'exec');
  const { address, grace: graceMs, readyFile } = options;
  const env = { ...shell.env, ...(options.region && { TENURE_REGION: options.region }) };
  try {
    await lead(
      { ...settings, client, group, contenderId, address, graceMs, readyFile, command, env, guard, report, signals },
      { stay, restart },
    );
  } finally {
    signals.end();
    guard.end();
  }
}
