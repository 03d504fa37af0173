import { type Command, Option } from 'commander';
import { listWorkers } from '../../api/operations/workers.ts';
import type { WorkerEvent } from '../../client/backups/hooks.ts';
import { type ConnectionOptions, connect, withConnection, withGroup } from '../connection.ts';
import { durationOption } from '../duration.ts';
import { ExitError, exitCodes, explain } from '../exit.ts';
import { collectItems, plain, print, relative, table } from '../output.ts';
import type { Shell } from '../shell.ts';

interface GroupOptions extends ConnectionOptions {
  group: string;
}

interface WorkerOptions extends GroupOptions {
  id?: string;
  localDir?: string[];
  onSuspend?: string;
  snapshot?: string;
  onResume?: string;
  hookTimeout: number;
}

const help = `
The commands run with sh. --snapshot gets TENURE_GROUP, TENURE_BACKUP_ID, TENURE_ATTEMPT and TENURE_CUT, the last position of each log as
JSON; the backup fails unless it exits with 0. --on-suspend may print how far the application has applied each log, as JSON: {"events": 412}.
--on-resume also runs at the start, for a worker that was killed while it was suspended.`;

/** `tenure worker`: a standby that takes backups of its group until it is interrupted. */
export function workerCommand(program: Command, shell: Shell): void {
  const worker = program.command('worker').description('take backups of a group, as a standby');
  const subcommand = (name: string, description: string, settings: { isDefault?: boolean } = {}) =>
    withConnection(withGroup(worker.command(name, settings).description(description), shell));

  subcommand('run', 'take backups until interrupted; the word run may be left out', { isDefault: true })
    .option('--id <name>', 'unique name of this worker in the group (default: made of host and process id)')
    .option(
      '--local-dir <folder>',
      'where backups with --local go; repeatable, for backups with --target FOLDER',
      collect,
    )
    .option('--on-suspend <command>', 'stops applying log entries, before the cut')
    .option('--snapshot <command>', "prints the application's state at the cut, which becomes part of the backup")
    .option('--on-resume <command>', 'continues applying log entries')
    .addOption(durationOption('--hook-timeout <duration>', 'longest run of --on-suspend and --on-resume', '1m'))
    .addHelpText('after', help)
    .action((options: WorkerOptions) => work(options, shell));

  subcommand('ls', 'the workers of a group, also those that were lost within the last day')
    .addOption(new Option('--present', 'only those that can be asked for a backup'))
    .action((options: GroupOptions & { present?: boolean }) => list(options, shell));
}

const collect = (folder: string, before: string[] = []): string[] => [...before, folder];

async function work(options: WorkerOptions, shell: Shell): Promise<void> {
  const { BackupWorker } = await import('../../client/backups/backup-worker.ts');
  const { commandHooks } = await import('./command-hooks.ts');
  const client = await connect(options, shell);
  const { group, id, localDir, json, onSuspend, snapshot, onResume, hookTimeout } = options;
  const say = (event: WorkerEvent) => {
    const at = new Date(client.time.now()).toISOString();
    shell.out(json ? JSON.stringify({ at, ...event }) : `${at}  ${describe(event)}`);
  };
  const sayError = (error: unknown) => {
    const { code, message } = explain(error);
    shell.err(json ? JSON.stringify({ error: { code, message } }) : `tenure: ${message}`);
  };
  const env = { ...shell.env, TENURE_GROUP: group, TENURE_URL: client.url };
  const hooks = commandHooks({ onSuspend, snapshot, onResume, timeoutMs: hookTimeout, env, onUnguarded: sayError });
  const worker = new BackupWorker({
    client,
    group,
    ...(id !== undefined && { workerId: id }),
    ...(localDir !== undefined && { localDir }),
    hooks: { ...hooks, onEvent: say, onError: sayError },
  });
  const interrupted = new Promise<'interrupted'>((resolve) => {
    const stop = () => resolve('interrupted');
    process.once('SIGINT', stop).once('SIGTERM', stop);
  });
  await Promise.resolve(hooks.resume?.()).catch(sayError);
  worker.start();
  if ((await Promise.race([interrupted, worker.replaced])) === 'replaced') throw new ExitError(exitCodes.failed);
  await worker.close();
}

function describe(event: WorkerEvent): string {
  switch (event.type) {
    case 'registered':
    case 'resumed':
    case 'left':
      return event.type;
    case 'replaced':
      return 'replaced: another process registered under the same --id';
    case 'removed':
      return `removed the files of backup ${event.backupId}`;
    case 'suspended':
    case 'accepted':
      return `${event.type} ${attemptOf(event)}`;
    case 'refused':
      return plain(`refused ${attemptOf(event)}: ${event.reason}`);
    case 'finished':
      return plain(`finished ${attemptOf(event)}: ${event.uri}`);
    case 'ended':
      return plain(`ended ${attemptOf(event)}: ${event.why}`);
    default:
      return event satisfies never;
  }
}

const attemptOf = ({ attempt, backupId }: { attempt: number; backupId: string }) =>
  `attempt ${attempt} of backup ${backupId}`;

async function list(options: GroupOptions & { present?: boolean }, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const { group, present: onlyPresent = false } = options;
  const all = await collectItems(client.items(listWorkers, { params: { group } }));
  const items = all.filter(({ present }) => present || !onlyPresent);
  print(shell, options, items, () =>
    table(
      items,
      [
        { title: 'WORKER', of: ({ worker }) => worker },
        { title: 'HOST', of: ({ host }) => host },
        { title: 'PRESENT', of: ({ present }) => (present ? 'yes' : 'no') },
        { title: 'SEEN', of: ({ lastSeenAt }) => relative(lastSeenAt) },
        { title: 'BACKUP', of: ({ busyWith }) => busyWith },
      ],
      `No workers registered for ${group}; run tenure worker --group ${group}.`,
    ),
  );
}
