import { type Command, Option } from 'commander';
import { finishJob, listJobs, showJob } from '../../api/operations/jobs.ts';
import type { Job } from '../../client/jobs/job-registry.ts';
import { connect, withConnection, withGroup } from '../connection.ts';
import { refuseNeverLed } from '../never-led.ts';
import { bytes, fields, listed, plain, print, relative, table } from '../output.ts';
import type { Shell } from '../shell.ts';
import { type GroupOptions, leading, readWhole, withMetadata } from './terms.ts';
import { shownTransfer, sourceOf } from './transfer.ts';

export function jobCommands(program: Command, shell: Shell): void {
  const job = program.command('job').description('submit, look at and finish the jobs of a group');
  const subcommand = (name: string, description: string) =>
    withConnection(withGroup(job.command(name).description(description), shell));

  withMetadata(subcommand('submit', 'submit a job, as the leader: under tenure lead'))
    .argument('<job>', 'id of the job')
    .requiredOption('--graph <file>', 'what the next leader needs to start the job again; - for standard input')
    .option('--retain <n>', 'checkpoints to keep, 1 to 32', readWhole(32))
    .option('--allow-empty', 'submit a graph of zero bytes')
    .action((jobId: string, options: SubmitOptions) => submit(jobId, options, shell));

  subcommand('ls', 'the jobs of the group, finished ones too while their results are kept')
    .addOption(new Option('--state <state>', 'only these').choices(['ACTIVE', 'FINISHED', 'CLEANED']))
    .action((options: GroupOptions & { state?: string }) => list(options, shell));

  subcommand('show', 'one job with its checkpoints')
    .argument('<job>', 'id of the job')
    .action(async (jobId: string, options: GroupOptions) => {
      const client = await connect(options, shell);
      const shown = await client.call(showJob, { params: { group: options.group, job: jobId } });
      print(shell, options, shown, describe);
    });

  subcommand('finish', 'record the result of a job, as the leader: it never runs again')
    .argument('<job>', 'id of the job')
    .addOption(new Option('--result <result>', 'how it ended').choices(outcomes).default('succeeded'))
    .option('--detail <text>', 'more about it, at most 1024 characters')
    .action((jobId: string, options: FinishOptions) => finish(jobId, options, shell));
}

const outcomes = ['succeeded', 'failed', 'cancelled'] as const;

interface SubmitOptions extends GroupOptions {
  graph: string;
  allowEmpty?: boolean;
  retain?: number;
  metadata?: Record<string, unknown>;
}

interface FinishOptions extends GroupOptions {
  result: (typeof outcomes)[number];
  detail?: string;
}

async function submit(jobId: string, options: SubmitOptions, shell: Shell): Promise<void> {
  const { JobRegistry } = await import('../../client/jobs/job-registry.ts');
  const { client, term } = await leading(options, shell);
  const { retain, metadata } = options;
  const source = await sourceOf(options.graph, shell, options.allowEmpty);
  await shownTransfer(
    shell,
    { ...options, ...(options.graph === '-' && { typedOn: shell.input }) },
    `graph of ${jobId}`,
    `whether job ${jobId} was submitted, tenure job show ${jobId} --group ${options.group} tells.`,
    (onProgress) =>
      new JobRegistry({ client, term }).submit(jobId, source, {
        ...(retain !== undefined && { retain }),
        ...(metadata && { metadata }),
        onProgress,
      }),
  );
  const submitted = { jobId, fencingVersion: term.fencingVersion };
  print(shell, options, submitted, () => `job ${plain(jobId)} is submitted in term ${term.fencingVersion}`);
}

async function list(options: GroupOptions & { state?: string }, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const all = await listed(client.items<Job>(listJobs, { params: { group: options.group } }));
  if (all.length === 0 && (await client.observe(options.group)).fencingVersion === 0) refuseNeverLed(options.group);
  const items = options.state ? all.filter(({ state }) => state === options.state) : all;
  print(shell, options, items, () =>
    table(
      items,
      [
        { title: 'JOB', of: ({ jobId }) => jobId },
        { title: 'STATE', of: ({ state }) => state },
        { title: 'VERSION', of: ({ fencingVersion }) => fencingVersion },
        { title: 'CHECKPOINT', of: ({ checkpoints }) => checkpoints.at(-1)?.checkpointId },
        { title: 'SIZE', of: ({ checkpoints }) => checkpoints.at(-1) && bytes(checkpoints.at(-1)?.bytes ?? 0) },
        { title: 'COMMITTED', of: ({ checkpoints }) => ago(checkpoints.at(-1)?.committedAt) },
        { title: 'RESULT', of: ({ result }) => result },
      ],
      `no jobs in ${options.group} yet: tenure job submit makes one`,
    ),
  );
}

const ago = (instant: string | undefined) => instant && relative(instant);

function describe(job: Job): string {
  const ids = (refs: Job['checkpoints']) =>
    refs.map(({ checkpointId, bytes: size }) => `${checkpointId} (${bytes(size)})`).join(', ') || 'none';
  return fields({
    job: job.jobId,
    state: job.state,
    'fencing version': job.fencingVersion,
    submitted: `${job.submittedAt} (${relative(job.submittedAt)})`,
    ...(job.graph && { graph: bytes(job.graph.bytes) }),
    checkpoints: `${ids(job.checkpoints)}; ${job.retain} are kept, the next is ${job.nextCheckpointId}`,
    savepoints: ids(job.savepoints),
    ...(job.metadata !== undefined && { metadata: JSON.stringify(job.metadata) }),
    ...(job.result && { result: job.detail ? `${job.result}: ${job.detail}` : job.result }),
    ...(job.finishedAt && { finished: `${job.finishedAt} (${relative(job.finishedAt)})` }),
  });
}

async function finish(jobId: string, options: FinishOptions, shell: Shell): Promise<void> {
  const { client, term } = await leading(options, shell);
  const { inTerm } = await import('../../client/jobs/leading-term.ts');
  const body = { result: options.result, ...(options.detail !== undefined && { detail: options.detail }) };
  const params = { group: options.group, job: jobId };
  const answer = await inTerm(term, (signal) => client.call(finishJob, { params, fence: term, signal, body }));
  print(shell, options, { jobId, ...answer }, () => `job ${plain(jobId)} is finished: ${options.result}`);
}
