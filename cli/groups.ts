import type { Command } from 'commander';
import { groups } from '../api/operations/leadership.ts';
import { type ConnectionOptions, connect, withConnection, withTable } from './connection.ts';
import { collectItems, print, relative, table } from './output.ts';
import type { Shell } from './shell.ts';

export function groupsCommand(program: Command, shell: Shell): void {
  const command = program.command('groups').description('list the groups with their leaders');
  withTable(withConnection(command)).action(async (options: ConnectionOptions) => {
    const client = await connect(options, shell);
    const items = await collectItems(client.items(groups, {}));
    print(shell, options, items, () =>
      table(
        items,
        [
          { title: 'GROUP', of: ({ group }) => group },
          { title: 'VERSION', of: ({ fencingVersion }) => fencingVersion },
          { title: 'LEADER', of: ({ leader, pending }) => leader?.contenderId ?? (pending ? '(getting ready)' : null) },
          { title: 'ADDRESS', of: ({ leader }) => leader?.address },
          { title: 'LEASE ENDS', of: ({ leader }) => leader && relative(leader.expiresAt) },
        ],
        'no groups yet: tenure lead --group NAME -- command makes one',
      ),
    );
  });
}
