import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type * as z from 'zod/mini';
import { abandonRestore, getRestore, type restoreStatus, startRestore } from '../../api/operations/restore.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { type ConnectionOptions, connect, withConnection, withGroup } from '../connection.ts';
import { ExitError, exitCodes, UsageError } from '../exit.ts';
import { fields, plain, print } from '../output.ts';
import { type Progress, progress } from '../progress.ts';
import type { Shell } from '../shell.ts';
import { endTimedOut, follow, timeoutOption } from './follow.ts';

interface RestoreOptions extends ConnectionOptions {
  group: string;
  backup?: string;
  uri?: string;
  dir?: string;
  application?: string;
  timeout: number;
}

type Status = z.output<typeof restoreStatus>;

/** The service verifies the backup before it responds. */
const startWithinMs = 30_000;

/** `tenure restore`: into an empty group, from a backup of the service or from a folder of this machine. */
export function restoreCommand(program: Command, shell: Shell): void {
  const restore = program.command('restore').description('restore a backup into an empty group');
  const subcommand = (name: string, description: string, settings: { isDefault?: boolean } = {}) =>
    withConnection(withGroup(restore.command(name, settings).description(description), shell));

  subcommand('start', 'restore a backup, and follow it to its end; the word start may be left out', { isDefault: true })
    .option('--backup <id>', 'one of the group, or one that was shared with it')
    .option('--uri <uri>', 's3://bucket/prefix/ or file://this-host/folder/, as tenure backup show prints it')
    .option('--dir <folder>', 'a folder of this machine with the files of a backup')
    .option('--application <folder>', 'write the state that the worker added to the backup into this folder first')
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      '\nExit code 1 when the restore fails, 75 when it continues after --timeout; a damaged backup is refused with nothing written.',
    )
    .action((options: RestoreOptions) => act(options, shell));

  subcommand('show', 'the status of a restore')
    .argument('<id>')
    .action(async (id: string, options: RestoreOptions) => {
      const client = await connect(options, shell);
      const params = { group: options.group, restore: id };
      print(shell, options, await client.call(getRestore, { params }), describe);
    });

  subcommand('abandon', 'give up a restore that has not completed: the group becomes empty again')
    .argument('<id>')
    .addOption(timeoutOption())
    .addHelpText('after', '\nExit code 1 when it has completed, or the undoing fails: repeat it then.')
    .action((id: string, options: RestoreOptions) => abandon(id, options, shell));
}

async function act(options: RestoreOptions, shell: Shell): Promise<void> {
  const { group, backup, uri, dir: folder, application } = options;
  if ([backup, uri, folder].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError('Give one of --backup, --uri and --dir.');
  }
  const dir = uri?.startsWith('file:') ? folderAt(uri) : folder;
  if (application !== undefined && backup === undefined && dir === undefined) {
    throw new UsageError('--application reads a backup by --backup or --dir: give one of them instead of --uri.');
  }
  const client = await connect(options, shell);
  let begun: Status | undefined;
  const bar = progress(shell, options, 'verifying the backup', () =>
    begun
      ? continuing(begun)
      : `interrupted: whether the restore has begun, tenure leader show --group ${group} tells.`,
  );
  try {
    if (application !== undefined) {
      bar.say('reading the state of the application');
      await restoreApplication({ client, group, backup, dir, folder: application });
    }
    const from = dir === undefined ? { uri } : { uri: await upload(client, group, dir, bar.say) };
    const body = backup === undefined ? from : { backupId: backup };
    const patience = { timeoutMs: startWithinMs, deadlineMs: 3 * startWithinMs };
    begun = await client.call(startRestore, { params: { group }, body, ...patience });
    const status = await waitForEnd(client, begun, options, bar, shell);
    if (status.state === 'COMPLETED') bar.done(`restored ${status.restoredEntries} entries`);
    else bar.failed('the restore failed');
    print(shell, options, status, describe);
    if (status.state !== 'COMPLETED') throw new ExitError(exitCodes.failed);
  } catch (error) {
    if (!(error instanceof ExitError)) bar.failed('not restored');
    throw error;
  }
}

interface ApplicationSource {
  readonly client: TenureClient;
  readonly group: string;
  readonly backup: string | undefined;
  readonly dir: string | undefined;
  /** Where the state goes. */
  readonly folder: string;
}

/** Before the restore: a group that has been restored once refuses to be restored again. */
async function restoreApplication({ client, group, backup, dir, folder }: ApplicationSource): Promise<void> {
  const { Backups, readLocalApplication } = await import('../../client/backups/backups.ts');
  const { writeState } = await import('./application.ts');
  const state =
    dir === undefined ? new Backups({ client, group }).readApplication(String(backup)) : readLocalApplication(dir);
  const { files } = await writeState(state, folder);
  if (files.length > 0) return;
  throw new UsageError(
    `${dir ?? `Backup ${backup}`} holds no state of an application: restore it without --application.`,
  );
}

const ended: readonly Status['state'][] = ['COMPLETED', 'FAILED', 'ABANDONED'];

/** The status once the restore has ended. Ends the command with exit code 75 when the time is over. */
async function waitForEnd(
  client: TenureClient,
  begun: Status,
  { timeout }: RestoreOptions,
  bar: Progress,
  shell: Shell,
): Promise<Status> {
  const params = { group: begun.group, restore: begun.restoreId };
  const followed = await follow(begun, {
    client,
    look: () => client.call(getRestore, { params }),
    hasEnded: ({ state }) => ended.includes(state),
    onStatus: ({ state, restoredEntries, entryCount }) =>
      bar.say(`${state}: ${restoredEntries} of ${entryCount} entries`),
    onOutage: ({ message }) => bar.say(`waiting for the service: ${plain(message)}`),
    timeoutMs: timeout,
  });
  if (followed.kind === 'ended') return followed.status;
  bar.failed(`restore ${begun.restoreId} is ${followed.status.state}`);
  if (!followed.outage) shell.err(`tenure: ${continuing(followed.status)}`);
  return endTimedOut(followed.outage);
}

function continuing({ restoreId, group }: Status): string {
  return `the restore continues without this command: follow it with tenure restore show ${restoreId} --group ${group}, end it with tenure restore abandon ${restoreId} --group ${group}`;
}

async function abandon(id: string, options: RestoreOptions, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const bar = progress(
    shell,
    options,
    'abandoning the restore',
    () => `the restore is still being abandoned: follow it with tenure restore show ${id} --group ${options.group}`,
  );
  try {
    const begun = await client.call(abandonRestore, { params: { group: options.group, restore: id } });
    const status = await waitForEnd(client, begun, options, bar, shell);
    if (status.state === 'ABANDONED') bar.done(`${options.group} is empty`);
    else bar.failed(`the restore is ${status.state}`);
    print(shell, options, status, describe);
    if (status.state !== 'ABANDONED') throw new ExitError(exitCodes.failed);
  } catch (error) {
    if (!(error instanceof ExitError)) bar.failed('not abandoned');
    throw error;
  }
}

/** A worker's own disk can be read on its machine only. */
function folderAt(uri: string): string {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url) throw new UsageError(`"${uri}" is not a URL: give one like file://${hostname()}/folder/.`);
  const here = hostname();
  if (url.hostname !== '' && url.hostname !== here.toLowerCase()) {
    throw new UsageError(
      `${uri} lies on ${url.hostname}, this is ${here}: run this there, or copy the folder and give --dir.`,
    );
  }
  url.hostname = '';
  return fileURLToPath(url);
}

async function upload(client: TenureClient, group: string, dir: string, say: (text: string) => void): Promise<string> {
  const { uploadArchive } = await import('../../client/backups/upload-archive.ts');
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
