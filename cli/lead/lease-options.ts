/** The options that `tenure lead`, `tenure lock` and `tenure semaphore` have in common. */
import { type Command, Option } from 'commander';
import { durationOption, readDuration } from '../duration.ts';
import { UsageError } from '../exit.ts';

export const idOption = () =>
  new Option('--id <name>', 'name of this contender (default: host, process id and a random part)');

export const leaseOption = () =>
  durationOption('--lease <duration>', 'length of the lease, 1s to 1h', '15s', { least: '1s', most: '1h' });

export const graceOption = () => durationOption('--grace <duration>', 'time between SIGTERM and SIGKILL', '5s');

export const skewOption = () =>
  durationOption('--max-clock-skew <duration>', "the service's allowance for clock skew", '250ms');

/** Adds `--wait` and `--no-wait`: they set one value, of which the parser alone would keep the last. */
export function withWait(command: Command, { wait, noWait }: { wait: string; noWait: string }): Command {
  const typed = new Set<string>();
  for (const name of ['wait', 'no-wait']) command.on(`option:${name}`, () => typed.add(name));
  return command
    .addOption(
      new Option('--wait <duration>', `${wait} (default: as long as it takes)`).argParser(readDuration('--wait')),
    )
    .option('--no-wait', noWait)
    .hook('preAction', () => {
      if (typed.size > 1) throw new UsageError('--wait and --no-wait exclude each other: give one of them.');
    });
}

export const renewOption = () =>
  new Option('--renew-every <duration>', 'time between renewals (default: a third of the lease)').argParser(
    readDuration('--renew-every', { least: '1ms', most: '1h' }),
  );

export const handOverPollOption = () =>
  new Option(
    '--hand-over-poll <duration>',
    'time between two looks at the lease while waiting for it; 0s: sleep until it would run out (default: a third of the lease)',
  ).argParser(readDuration('--hand-over-poll'));
