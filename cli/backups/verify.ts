import type { Command } from 'commander';
import { ExitError, exitCodes } from '../exit.ts';
import { bytes, fields, print } from '../output.ts';
import { progress } from '../progress.ts';
import type { Shell } from '../shell.ts';

/** `tenure backup verify`: needs no service, only the files. */
export function verifyCommand(backup: Command, shell: Shell): void {
  backup
    .command('verify')
    .description('check every digest and the chain of a backup in a folder, without any service')
    .argument('<folder>', 'the one with manifest.json')
    .option('--json', 'print JSON instead of text for people')
    .addHelpText('after', '\nExit code 1 when the backup is damaged.')
    .action(async (folder: string, options: { json?: boolean }) => {
      const { folderFiles } = await import('../../archive/folder.ts');
      const { DamagedError, verifyArchive } = await import('../../archive/verifier.ts');
      const bar = progress(shell, options, `verifying ${folder}`, () => 'interrupted: the backup was not verified.');
      try {
        const manifest = await verifyArchive(folderFiles(folder), ({ file, payload }, { files, payloads }) =>
          bar.say(`verified ${file} of ${files.length} files, ${payload} of ${payloads.length} payloads`),
        );
        bar.done(`${folder} is intact`);
        const { group, backupId, attempt, completedAt, counts, cut } = manifest;
        const shown = { intact: true, group, backupId, attempt, completedAt, cut, counts };
        print(shell, options, shown, () =>
          fields({
            intact: 'yes',
            group,
            backup: `${backupId} (attempt ${attempt})`,
            completed: completedAt,
            entries: counts.entries,
            bytes: bytes(counts.bytes),
          }),
        );
      } catch (error) {
        if (!(error instanceof DamagedError)) throw error;
        bar.failed(`${folder} is damaged`);
        const { message } = error;
        print(shell, options, { intact: false, damage: message }, ({ damage }) => `damaged: ${damage}`);
        throw new ExitError(exitCodes.failed);
      }
    });
}
