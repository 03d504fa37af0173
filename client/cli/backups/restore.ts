import type { Command } from 'commander';
import type * as z from 'zod';
import { getRestore, type restoreStatus, startRestore } from '../../../functions/backups/schema.ts';
import type { TenureClient } from '../../tenure-client.ts';
import { sleep } from '../../time.ts';
import { type ConnectionOptions, connect, withConnection, withGroup } from '../connection.ts';
import { Exit, exitCodes, UsageError } from '../exit.ts';
import { fields, print } from '../output.ts';
import { progress } from '../progress.ts';
import type { Shell } from '../shell.ts';

interface RestoreOptions extends ConnectionOptions {
  group: string;
  backup?: string;
  uri?: string;
  dir?: string;
}

type Status = z.output<typeof restoreStatus>;

const lookEveryMs = 500;
/** The service verifies for a while before it answers. */
const startWithinMs = 30_000;

/** `tenure restore`: into an empty group, from a backup of the service or from a folder of this machine. */
export function restoreCommand(program: Command, shell: Shell): void {
  withConnection(withGroup(program.command('restore').description('restore a backup into an empty group'), shell))
    .option('--backup <id>', 'one of the group, or one that was shared with it')
    .option('--uri <uri>', 's3://bucket/prefix/, as tenure backup show prints it')
    .option('--dir <folder>', 'a folder of this machine, as tenure backup create --local makes it')
    .addHelpText('after', '\nExit code 1 when the restore fails; a damaged backup is refused with nothing written.')
    .action((options: RestoreOptions) => act(options, shell));
}

async function act(options: RestoreOptions, shell: Shell): Promise<void> {
  const { group, backup, uri, dir } = options;
  if ([backup, uri, dir].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError('Give one of --backup, --uri and --dir.');
  }
  const client = await connect(options, shell);
  const bar = await progress(shell, options, 'verifying the backup');
  try {
    const from = dir === undefined ? { uri } : { uri: await uploaded(client, group, dir, bar.say) };
    const body = backup === undefined ? from : { backupId: backup };
    const patience = { timeoutMs: startWithinMs, deadlineMs: 3 * startWithinMs };
    let status: Status = await client.call(startRestore, { params: { group }, body, ...patience });
    while (status.state !== 'COMPLETED' && status.state !== 'FAILED') {
      bar.say(`${status.state}: ${status.restoredEntries} of ${status.entryCount} entries`);
      await sleep(client.time, lookEveryMs);
      status = await client.call(getRestore, { params: { group, restore: status.restoreId } });
    }
    if (status.state === 'COMPLETED') bar.done(`restored ${status.restoredEntries} entries`);
    else bar.failed('the restore failed');
    print(shell, options, status, describe);
    if (status.state === 'FAILED') throw new Exit(exitCodes.failed);
  } catch (error) {
    if (!(error instanceof Exit)) bar.failed('not restored');
    throw error;
  }
}

async function uploaded(
  client: TenureClient,
  group: string,
  dir: string,
  say: (text: string) => void,
): Promise<string> {
  const { uploadArchive } = await import('../../backups/upload-archive.ts');
  return uploadArchive({
    client,
    group,
    folder: dir,
    onProgress: (done, all) => say(`uploaded ${done} of ${all} files`),
  });
}

function describe({ restoreId, group, uri, state, entryCount, restoredEntries, startedAt, endedAt, error }: Status) {
  return fields({
    restore: restoreId,
    group,
    from: uri,
    state,
    ...(error && { error: `${error.code}: ${error.message}` }),
    entries: `${restoredEntries} of ${entryCount}`,
    started: startedAt,
    ...(endedAt !== undefined && { ended: endedAt }),
  });
}
