import type { Command } from 'commander';
import { type DeletedGroup, Operator } from '../client/operator.ts';
import { type ConnectionOptions, connect, withConnection, withGroup } from './connection.ts';
import { UsageError } from './exit.ts';
import { print } from './output.ts';
import type { Shell } from './shell.ts';

interface DeleteOptions extends ConnectionOptions {
  group: string;
  yes?: boolean;
  dryRun?: boolean;
}

export function groupCommands(program: Command, shell: Shell): void {
  const group = program.command('group').description('delete a group');
  withConnection(withGroup(group.command('delete'), shell))
    .description('delete a group that nobody leads, with its logs, jobs, payloads and terms; its backups stay')
    .option('--yes', 'confirm: what is deleted cannot be brought back but from a backup')
    .option('--dry-run', 'only say what would be deleted')
    .action((options: DeleteOptions) => deleteGroup(options, shell));
}

async function deleteGroup({ group, yes = false, dryRun = false, ...options }: DeleteOptions, shell: Shell) {
  if (!yes && !dryRun)
    throw new UsageError(`This deletes group ${group} for good: look with --dry-run, then repeat with --yes.`);
  const operator = new Operator({ client: await connect(options, shell) });
  const done = await operator.deleteGroup(group, { dryRun });
  print(shell, options, { group, ...done }, () => sentence(group, done, dryRun));
}

function sentence(group: string, { deleted, ...counts }: DeletedGroup, dryRun: boolean): string {
  const what = `logs: ${counts.logs}, jobs: ${counts.jobs}, payloads: ${counts.payloads}`;
  if (dryRun) return `group ${group} would be deleted (at least ${what}); its backups would stay`;
  if (!deleted) return `group ${group} is not deleted yet (so far ${what}); repeat the command to continue`;
  return `group ${group} is deleted (${what}); its backups stay`;
}
