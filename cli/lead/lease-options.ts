/** The options that `tenure lead`, `tenure lock` and `tenure semaphore` have in common. */
import { Option } from 'commander';
import { durationOption, readDuration } from '../duration.ts';

export const idOption = () =>
  new Option('--id <name>', 'name of this contender (default: host, process id and a random part)');

export const leaseOption = () =>
  durationOption('--lease <duration>', 'length of the lease, 1s to 1h', '15s', { least: '1s', most: '1h' });

export const graceOption = () => durationOption('--grace <duration>', 'time between SIGTERM and SIGKILL', '5s');

export const skewOption = () =>
  durationOption('--max-clock-skew <duration>', "the service's allowance for clock skew", '250ms');

export const waitOption = (description: string) =>
  new Option('--wait <duration>', `${description} (default: as long as it takes)`).argParser(readDuration('--wait'));

export const renewOption = () =>
  new Option('--renew-every <duration>', 'time between renewals (default: a third of the lease)').argParser(
    readDuration('--renew-every', { least: '1ms', most: '1h' }),
  );

export const handOverPollOption = () =>
  new Option(
    '--hand-over-poll <duration>',
    'time between two looks at the lease while waiting for it; 0s: sleep until it would run out (default: a third of the lease)',
  ).argParser(readDuration('--hand-over-poll'));
