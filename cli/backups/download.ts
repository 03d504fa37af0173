import type { Command } from 'commander';
import { type ConnectionOptions, connect } from '../connection.ts';
import { bytes, fields, print } from '../output.ts';
import { progress } from '../progress.ts';
import type { Shell } from '../shell.ts';

interface DownloadOptions extends ConnectionOptions {
  group: string;
}

/** `tenure backup download`: the files of a backup, for `backup verify` and `restore --dir`. */
export function downloadCommand(command: Command, shell: Shell): void {
  command
    .argument('<id>')
    .argument('<folder>', 'an empty folder, or the one of an interrupted download')
    .addHelpText('after', '\nRun it again after an interruption: files that are complete are kept.')
    .action((id: string, folder: string, options: DownloadOptions) => download(id, folder, options, shell));
}

async function download(id: string, folder: string, options: DownloadOptions, shell: Shell): Promise<void> {
  const { Backups } = await import('../../client/backups/backups.ts');
  const client = await connect(options, shell);
  const backups = new Backups({ client, group: options.group });
  const bar = progress(
    shell,
    options,
    `downloading backup ${id}`,
    () => `interrupted: ${folder} is incomplete; run the command again to complete it.`,
  );
  try {
    const manifest = await backups.download(id, folder, {
      onProgress: (files) => bar.say(`downloaded ${files} files`),
    });
    bar.done(`${folder} is intact`);
    const { group, backupId, attempt, counts } = manifest;
    print(shell, options, { folder, group, backupId, attempt, counts }, () =>
      fields({
        folder,
        group,
        backup: `${backupId} (attempt ${attempt})`,
        entries: counts.entries,
        bytes: bytes(counts.bytes),
        intact: 'yes',
      }),
    );
  } catch (error) {
    bar.failed('not downloaded');
    throw error;
  }
}
