import type { Command } from 'commander';
import { shareBackup, unshareBackup } from '../../api/operations/backups.ts';
import { type ConnectionOptions, connect } from '../connection.ts';
import { print } from '../output.ts';
import type { Shell } from '../shell.ts';

interface ShareOptions extends ConnectionOptions {
  group: string;
  with: string;
}

export function shareCommand(command: Command, shell: Shell): void {
  command
    .argument('<id>')
    .requiredOption('--with <group>', 'the group that may restore it')
    .action(async (id: string, options: ShareOptions) => {
      const client = await connect(options, shell);
      const params = { group: options.group, backup: id };
      const answer = await client.call(shareBackup, { params, body: { group: options.with } });
      print(shell, options, answer, ({ sharedWith }) => restorers(id, sharedWith));
    });
}

/** A restore that has begun continues: it has read the backup's record already. */
export function unshareCommand(command: Command, shell: Shell): void {
  command
    .argument('<id>')
    .requiredOption('--with <group>', 'the group that may no longer restore it')
    .addHelpText('after', '\nA restore that has begun continues.')
    .action(async (id: string, options: ShareOptions) => {
      const client = await connect(options, shell);
      const answer = await client.call(unshareBackup, {
        params: { group: options.group, backup: id, with: options.with },
      });
      print(shell, options, answer, ({ sharedWith }) => restorers(id, sharedWith));
    });
}

const restorers = (id: string, sharedWith: readonly string[]) =>
  sharedWith.length > 0 ? `backup ${id} may be restored by ${sharedWith.join(', ')}` : `backup ${id} is not shared`;
