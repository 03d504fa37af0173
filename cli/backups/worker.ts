import type { Command } from 'commander';
import type { WorkerEvent } from '../../client/backups/hooks.ts';
import { type ConnectionOptions, connect, withConnection, withGroup } from '../connection.ts';
import { explain } from '../exit.ts';
import { plain } from '../output.ts';
import type { Shell } from '../shell.ts';

interface WorkerOptions extends ConnectionOptions {
  group: string;
  id?: string;
  localDir?: string;
}

/** `tenure worker`: a standby that takes backups of its group until it is interrupted. */
export function workerCommand(program: Command, shell: Shell): void {
  withConnection(withGroup(program.command('worker').description('take backups of a group, as a standby'), shell))
    .option('--id <name>', "the worker's name in the group (default: the host's name)")
    .option('--local-dir <folder>', 'where backups for the own disk go')
    .action((options: WorkerOptions) => work(options, shell));
}

async function work(options: WorkerOptions, shell: Shell): Promise<void> {
  const { BackupWorker } = await import('../../client/backups/backup-worker.ts');
  const client = await connect(options, shell);
  const { group, id, localDir, json } = options;
  const say = (event: WorkerEvent) => {
    const at = new Date(client.time.now()).toISOString();
    shell.out(json ? JSON.stringify({ at, ...event }) : `${at}  ${described(event)}`);
  };
  const sayError = (error: unknown) => {
    const { code, message } = explain(error);
    shell.err(json ? JSON.stringify({ error: { code, message } }) : `tenure: ${message}`);
  };
  const worker = new BackupWorker({
    client,
    group,
    ...(id !== undefined && { workerId: id }),
    ...(localDir !== undefined && { localDir }),
    hooks: { onEvent: say, onError: sayError },
  });
  const interrupted = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });
  worker.start();
  await interrupted;
  await worker.close();
}

function described(event: WorkerEvent): string {
  if (!('backupId' in event)) return event.type;
  const { type, backupId, attempt } = event;
  const more =
    'reason' in event
      ? `: ${event.reason}`
      : 'why' in event
        ? `: ${event.why}`
        : 'uri' in event
          ? `: ${event.uri}`
          : '';
  return plain(`${type} attempt ${attempt} of backup ${backupId}${more}`);
}
