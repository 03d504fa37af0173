import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { DamagedJob } from '../../client/jobs/job-registry.ts';
import type { RecoveredJob } from '../../client/jobs/recovered-job.ts';
import { withConnection, withGroup } from '../connection.ts';
import { ExitError, exitCodes } from '../exit.ts';
import { bytes, plain, print, table } from '../output.ts';
import type { Shell } from '../shell.ts';
import { connectAsLeader, type GroupOptions } from './terms.ts';
import { shownTransfer } from './transfer.ts';

interface RecoverOptions extends GroupOptions {
  onDamaged: 'fail' | 'fallback';
  discardOlder?: boolean;
  to?: string;
}

export function recoverCommand(program: Command, shell: Shell): void {
  const command = program
    .command('recover')
    .description('claim every job that must continue, as the new leader: under tenure lead');
  withConnection(withGroup(command, shell))
    .addOption(
      new Option('--on-damaged <what>', 'a job whose newest checkpoint is damaged: leave it out, or take an older one')
        .choices(['fail', 'fallback'])
        .default('fail'),
    )
    .option('--discard-older', 'drop all checkpoints but the one that was taken')
    .option('--to <folder>', 'fetch each job into <folder>/<job>/graph and <folder>/<job>/checkpoint')
    .addHelpText('after', '\nExit code 1 when a job is damaged and no older checkpoint was taken instead.')
    .action((options: RecoverOptions) => act(options, shell));
}

async function act(options: RecoverOptions, shell: Shell): Promise<void> {
  const { JobRegistry } = await import('../../client/jobs/job-registry.ts');
  const { client, term } = await connectAsLeader(options, shell);
  const { onDamaged, discardOlder = false, to } = options;
  const damaged: DamagedJob[] = [];
  const jobs: ReturnType<typeof summary>[] = [];
  const onDamage = (one: DamagedJob) => void damaged.push(one);
  const registry = new JobRegistry({ client, term });
  for await (const job of registry.recover({ onDamaged, discardOlder, onDamage })) {
    if (to !== undefined) await fetchJob(job, join(to, job.jobId), options, shell);
    jobs.push(summary(job));
  }
  print(shell, options, { jobs, damaged }, () => describe(options.group, jobs, damaged));
  if (damaged.some(({ fellBackTo }) => fellBackTo === undefined)) throw new ExitError(exitCodes.failed);
}

const incomplete = 'not all jobs were fetched; repeat the command.';

async function fetchJob(job: RecoveredJob, folder: string, options: RecoverOptions, shell: Shell): Promise<void> {
  await mkdir(folder, { recursive: true });
  await shownTransfer(shell, options, `graph of ${job.jobId}`, incomplete, (onProgress) =>
    job.graphToFile(join(folder, 'graph'), { onProgress }),
  );
  if (!job.checkpoint) return;
  const what = `checkpoint ${job.checkpoint.checkpointId} of ${job.jobId}`;
  await shownTransfer(shell, options, what, incomplete, (onProgress) =>
    job.checkpointToFile(join(folder, 'checkpoint'), { onProgress }),
  );
}

function summary({ jobId, graph, checkpoint, metadata, retain }: RecoveredJob) {
  return {
    jobId,
    retain,
    ...(metadata !== undefined && { metadata }),
    graph: { bytes: graph.bytes, sha256: graph.sha256 },
    checkpoint: checkpoint && {
      checkpointId: checkpoint.checkpointId,
      bytes: checkpoint.bytes,
      sha256: checkpoint.sha256,
      ...(checkpoint.metadata !== undefined && { metadata: checkpoint.metadata }),
    },
  };
}

function describe(group: string, jobs: ReturnType<typeof summary>[], damaged: DamagedJob[]): string {
  const recovered = table(
    jobs,
    [
      { title: 'JOB', of: ({ jobId }) => jobId },
      { title: 'GRAPH', of: ({ graph }) => bytes(graph.bytes) },
      { title: 'CHECKPOINT', of: ({ checkpoint }) => checkpoint?.checkpointId },
      { title: 'SIZE', of: ({ checkpoint }) => checkpoint && bytes(checkpoint.bytes) },
    ],
    `no job of ${group} must continue`,
  );
  const hurt = damaged.map(({ jobId, reason, fellBackTo }) => {
    const instead = fellBackTo === undefined ? 'left out' : `checkpoint ${fellBackTo} was taken instead`;
    return `DAMAGED  ${plain(jobId)}: ${plain(reason)}; ${instead}`;
  });
  return [recovered, ...hurt].join('\n');
}
