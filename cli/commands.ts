import type { Command } from 'commander';
import { backupCommands } from './backups/backup.ts';
import { restoreCommand } from './backups/restore.ts';
import { workerCommand } from './backups/worker.ts';
import { completionCommand } from './completion.ts';
import { consoleCommand } from './console.ts';
import { doctorCommand } from './doctor.ts';
import { eventsCommands } from './events.ts';
import { explainCommand } from './explain.ts';
import { groupCommands } from './group.ts';
import { groupsCommand } from './groups.ts';
import { initCommand } from './init.ts';
import { checkpointCommands } from './jobs/checkpoint.ts';
import { collectCommand } from './jobs/collect.ts';
import { jobCommands } from './jobs/job.ts';
import { recoverCommand } from './jobs/recover.ts';
import { leadCommand } from './lead.ts';
import { leaderCommands } from './leader.ts';
import { lockCommand } from './lock.ts';
import { logCommands } from './log.ts';
import { semaphoreCommand } from './semaphore.ts';
import type { Shell } from './shell.ts';
import { statusCommand } from './status.ts';
import { tableCommands } from './table.ts';

/**
 * Every command group registers itself here. One file per group declares its commands with withConnection() and
 * withGroup(); what an action needs beyond that it imports when it runs, so that `tenure --help` stays quick.
 */
export const commandGroups: readonly ((program: Command, shell: Shell) => void)[] = [
  leadCommand,
  lockCommand,
  semaphoreCommand,
  leaderCommands,
  groupsCommand,
  groupCommands,
  tableCommands,
  jobCommands,
  checkpointCommands,
  recoverCommand,
  collectCommand,
  logCommands,
  backupCommands,
  restoreCommand,
  workerCommand,
  eventsCommands,
  statusCommand,
  consoleCommand,
  explainCommand,
  doctorCommand,
  initCommand,
  completionCommand,
];
