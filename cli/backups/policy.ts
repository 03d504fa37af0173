import type { Command } from 'commander';
import { deleteBackupPolicy, getBackupPolicy, putBackupPolicy } from '../../api/operations/backups.ts';
import { type ConnectionOptions, connect, withConnection, withGroup } from '../connection.ts';
import { readDuration } from '../duration.ts';
import { UsageError } from '../exit.ts';
import { duration, fields, print } from '../output.ts';
import type { Shell } from '../shell.ts';
import { readTarget } from './target.ts';

interface PolicyOptions extends ConnectionOptions {
  group: string;
  every?: number;
  dailyAt?: string;
  retain?: number;
  catchUp?: boolean;
  target?: string;
  off?: boolean;
}

/** `tenure backup policy`: shows the schedule of a group, sets it or switches it off. */
export function policyCommand(backup: Command, shell: Shell): void {
  withConnection(
    withGroup(backup.command('policy').description('show or set when backups are taken by themselves'), shell),
  )
    .option('--every <duration>', 'time between two backups', readDuration('--every'))
    .option('--daily-at <time>', 'HH:MM in UTC')
    .option('--retain <n>', 'how many completed backups are kept', Number)
    .option('--catch-up', 'a backup that was missed is taken later')
    .option('--target <place>', 's3://bucket/prefix, or a --local-dir folder of a worker', readTarget)
    .option('--off', 'take no backups by themselves any more')
    .action((options: PolicyOptions) => act(options, shell));
}

async function act(options: PolicyOptions, shell: Shell): Promise<void> {
  const { group, every, dailyAt, retain, catchUp = false, off = false, target } = options;
  const client = await connect(options, shell);
  const params = { group };
  if (off) {
    await client.call(deleteBackupPolicy, { params });
    print(shell, options, {}, () => `no backups of ${group} are taken by themselves`);
    return;
  }
  if (every === undefined && dailyAt === undefined) {
    print(shell, options, await client.call(getBackupPolicy, { params }), describe);
    return;
  }
  if (retain === undefined) throw new UsageError('--retain is missing: say how many completed backups are kept.');
  const when = { ...(every !== undefined && { everyMs: every }), ...(dailyAt !== undefined && { dailyAt }) };
  const misfire = catchUp ? ('catch-up' as const) : ('skip' as const);
  const body = { ...when, retain, misfire, ...(target !== undefined && { target }) };
  print(shell, options, await client.call(putBackupPolicy, { params, body }), describe);
}

interface Policy {
  everyMs?: number | undefined;
  dailyAt?: string | undefined;
  retain: number;
  misfire: 'skip' | 'catch-up';
  target?: string | undefined;
}

function describe({ everyMs, dailyAt, retain, misfire, target }: Policy): string {
  return fields({
    taken: everyMs === undefined ? `daily at ${dailyAt} UTC` : `every ${duration(everyMs)}`,
    kept: `the newest ${retain}`,
    missed: misfire === 'skip' ? 'left out' : 'taken later',
    ...(target !== undefined && { target }),
  });
}
