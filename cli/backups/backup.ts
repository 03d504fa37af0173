import type { Command } from 'commander';
import { cancelBackup, createBackup, deleteBackup, getBackup, listBackups } from '../../api/operations/backups.ts';
import { type ConnectionOptions, connect, withConnection, withGroup } from '../connection.ts';
import { bytes, collectItems, plain, print, relative, table } from '../output.ts';
import type { Shell } from '../shell.ts';
import { downloadCommand } from './download.ts';
import { timeoutOption } from './follow.ts';
import { policyCommand } from './policy.ts';
import { shareCommand, unshareCommand } from './share.ts';
import { describe, failIfFailed, type Status, type WaitOptions, waitForEnd } from './status.ts';
import { readTarget } from './target.ts';
import { verifyCommand } from './verify.ts';

interface GroupOptions extends ConnectionOptions {
  group: string;
}

interface CreateOptions extends GroupOptions, WaitOptions {
  json?: boolean;
  async?: boolean;
  allowLeader?: boolean;
  bypassDelegation?: boolean;
  local?: boolean;
  target?: string;
  redelegate?: boolean;
  explain?: boolean;
}

export function backupCommands(program: Command, shell: Shell): void {
  const backup = program.command('backup').description('take, see and verify backups of a group');
  const subcommand = (name: string, description: string) =>
    withConnection(withGroup(backup.command(name).description(description), shell));

  subcommand('create', 'take a backup and follow it to its end')
    .option('--async', 'do not wait for its end')
    .option('--allow-leader', 'the built-in worker takes it when no other does')
    .option('--bypass-delegation', 'the built-in worker takes it in any case')
    .option('--local', 'the worker writes to its own disk')
    .option('--target <place>', 's3://bucket/prefix, or a --local-dir folder of the worker', readTarget)
    .option('--redelegate', 'when the worker is lost, the next one takes it')
    .option('--explain', 'no backup: who would take it, and why')
    .addOption(timeoutOption())
    .addHelpText('after', '\nExit code 1 when the backup fails, 75 when it continues after --timeout.')
    .action((options: CreateOptions) => create(options, shell));

  subcommand('wait', 'wait for the end of a backup, also while the service restarts')
    .argument('<id>')
    .addOption(timeoutOption())
    .addHelpText('after', '\nExit code 1 when the backup fails, 75 when it continues after --timeout.')
    .action((id: string, options: GroupOptions & WaitOptions) => wait(id, options, shell));

  subcommand('ls', 'the backups, newest first')
    .option('--limit <n>', 'how many', Number, 20)
    .action(async (options: GroupOptions & { limit: number }) => {
      const client = await connect(options, shell);
      const page = { params: { group: options.group }, query: { limit: Math.min(options.limit, 1000) } };
      const items = await collectItems(client.items(listBackups, page), options.limit);
      print(shell, options, items, () => shownList(items, options.group));
    });

  subcommand('show', 'the status of a backup')
    .argument('<id>')
    .action(async (id: string, options: GroupOptions) => {
      const client = await connect(options, shell);
      print(shell, options, await client.call(getBackup, { params: { group: options.group, backup: id } }), describe);
    });

  subcommand('cancel', 'end a running backup')
    .argument('<id>')
    .action(async (id: string, options: GroupOptions) => {
      const client = await connect(options, shell);
      const status = await client.call(cancelBackup, { params: { group: options.group, backup: id } });
      print(shell, options, status, () => `backup ${id} is cancelled`);
    });

  subcommand('rm', 'delete a finished backup with its files')
    .argument('<id>')
    .action(async (id: string, options: GroupOptions) => {
      const client = await connect(options, shell);
      const answer = await client.call(deleteBackup, { params: { group: options.group, backup: id } });
      print(shell, options, answer, () => `backup ${id} is deleted`);
    });

  shareCommand(subcommand('share', 'let another group restore a backup'), shell);
  unshareCommand(subcommand('unshare', 'stop letting another group restore a backup'), shell);
  downloadCommand(subcommand('download', 'download the files of a backup into a folder, and verify them'), shell);
  policyCommand(backup, shell);
  verifyCommand(backup, shell);
}

async function wait(id: string, options: GroupOptions & WaitOptions, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const found = await client.call(getBackup, {
    params: { group: options.group, backup: id },
    deadlineMs: options.timeout,
  });
  const status = await waitForEnd(client, found, options, shell);
  print(shell, options, status, describe);
  failIfFailed(status);
}

async function create(options: CreateOptions, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const { group, async: isAsync = false, explain = false } = options;
  const body = {
    allowLeader: options.allowLeader ?? false,
    bypassDelegation: options.bypassDelegation ?? false,
    localFileSystem: options.local ?? false,
    redelegate: options.redelegate ?? false,
    ...(options.target !== undefined && { target: options.target }),
    explain,
  };
  const answer = await client.call(createBackup, { params: { group }, body });
  if ('explain' in answer) {
    print(shell, options, answer, ({ candidates, positions }) =>
      [
        table(
          candidates,
          [
            { title: 'WORKER', of: ({ worker }) => worker },
            { title: 'HOST', of: ({ host }) => host },
            { title: 'CHOSEN', of: ({ chosen }) => (chosen ? 'yes' : 'no') },
            { title: 'WHY', of: ({ why }) => why },
          ],
          `No workers registered for ${group}; run \`tenure worker\` or pass --allow-leader.`,
        ),
        ...Object.entries(positions).map(([log, at]) => `log ${plain(log)} ends at ${at}`),
      ].join('\n'),
    );
    return;
  }
  if (isAsync) {
    print(shell, options, answer, ({ backupId }) => `backup ${backupId} has begun`);
    return;
  }
  const status = await waitForEnd(client, answer, options, shell);
  print(shell, options, status, describe);
  failIfFailed(status);
}

function shownList(items: readonly Status[], group: string): string {
  return table(
    items,
    [
      { title: 'BACKUP', of: ({ backupId }) => backupId },
      { title: 'STATE', of: ({ state }) => state },
      { title: 'STARTED', of: ({ startedAt }) => relative(startedAt) },
      { title: 'WORKER', of: ({ worker }) => worker },
      { title: 'ENTRIES', of: ({ entryCount }) => entryCount },
      { title: 'BYTES', of: (status) => bytes(status.bytes) },
      ...(items.some(({ target }) => target !== undefined)
        ? [{ title: 'TARGET', of: ({ target }: Status) => target }]
        : []),
      { title: 'ERROR', of: ({ error }) => error?.code },
    ],
    `no backup of ${group} has been taken yet`,
  );
}
