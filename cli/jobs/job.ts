import { type Command, Option } from 'commander';
import { finishJob, listJobs, showJob } from '../../api/operations/jobs.ts';
import type { Job, ListedJob } from '../../client/jobs/job-registry.ts';
import { connect, withConnection, withGroup } from '../connection.ts';
import { refuseNeverLed } from '../never-led.ts';
import { bytes, collectItems, fields, plain, print, relative, table } from '../output.ts';
import type { Shell } from '../shell.ts';
import { connectAsLeader, type GroupOptions, readWhole, withMetadata } from './terms.ts';
import { shownTransfer, sourceOf } from './transfer.ts';

export function jobCommands(program: Command, shell: Shell): void {
  const job = program.command('job').description('submit, look at and finish the jobs of a group');
  const subcommand = (name: string, description: string) =>
    withConnection(withGroup(job.command(name).description(description), shell));

  withMetadata(subcommand('submit', 'submit a job, as the leader: under tenure lead'))
    .argument('<job>', 'id of the job')
    .requiredOption('--graph <file>', 'what the next leader needs to start the job again; - for standard input')
    .option('--retain <n>', 'checkpoints to keep, 1 to 256', readWhole(256))
    .option('--allow-empty', 'submit a graph of zero bytes')
    .action((jobId: string, options: SubmitOptions) => submit(jobId, options, shell));

  subcommand('ls', 'the jobs of the group, finished ones too while their results are kept')
    .addOption(new Option('--state <state>', 'only these').choices(states))
    .action((options: ListOptions) => list(options, shell));

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
    .option('--hold', 'keep its checkpoints until tenure job clean')
    .action((jobId: string, options: FinishOptions) => finish(jobId, options, shell));

  subcommand('clean', 'acknowledge that what a job finished with --hold referred to is deleted, as the leader')
    .argument('<job>', 'id of the job')
    .action((jobId: string, options: GroupOptions) => clean(jobId, options, shell));
}

const outcomes = ['succeeded', 'failed', 'cancelled'] as const;
const states = ['ACTIVE', 'FINISHED', 'CLEANED', 'DAMAGED'] as const;

interface ListOptions extends GroupOptions {
  state?: (typeof states)[number];
}

interface SubmitOptions extends GroupOptions {
  graph: string;
  allowEmpty?: boolean;
  retain?: number;
  metadata?: Record<string, unknown>;
}

interface FinishOptions extends GroupOptions {
  result: (typeof outcomes)[number];
  detail?: string;
  hold?: boolean;
}

async function submit(jobId: string, options: SubmitOptions, shell: Shell): Promise<void> {
  const { JobRegistry } = await import('../../client/jobs/job-registry.ts');
  const { client, term } = await connectAsLeader(options, shell);
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

async function list(options: ListOptions, shell: Shell): Promise<void> {
  const { group, state } = options;
  const client = await connect(options, shell);
  const query = state === undefined ? {} : { state };
  const items = await collectItems(client.items<ListedJob>(listJobs, { params: { group }, query }));
  if (items.length === 0 && (await client.observe(group)).fencingVersion === 0) refuseNeverLed(group);
  print(shell, options, items, () =>
    table(
      items,
      [
        { title: 'JOB', of: ({ jobId }) => jobId },
        { title: 'STATE', of: (job) => job.state },
        { title: 'VERSION', of: (job) => whole(job)?.fencingVersion },
        { title: 'CHECKPOINT', of: (job) => newest(job)?.checkpointId },
        { title: 'SIZE', of: (job) => size(newest(job)?.bytes) },
        { title: 'COMMITTED', of: (job) => ago(newest(job)?.committedAt) },
        { title: 'RESULT', of: (job) => (job.state === 'DAMAGED' ? job.reason : job.result) },
      ],
      `no jobs in ${group} yet: tenure job submit makes one`,
    ),
  );
}

const whole = (job: ListedJob): Job | undefined => (job.state === 'DAMAGED' ? undefined : job);
const newest = (job: ListedJob) => whole(job)?.checkpoints.at(-1);
const size = (count: number | undefined) => (count === undefined ? undefined : bytes(count));
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
  const { client, term } = await connectAsLeader(options, shell);
  const { inTerm } = await import('../../client/jobs/leading-term.ts');
  const body = {
    result: options.result,
    ...(options.detail !== undefined && { detail: options.detail }),
    ...(options.hold && { cleanUp: 'held' as const }),
  };
  const params = { group: options.group, job: jobId };
  const answer = await inTerm(term, (signal) => client.call(finishJob, { params, fence: term, signal, body }));
  print(shell, options, { jobId, ...answer }, ({ submitted }) => {
    const unknown = submitted ? '' : ' (it was never submitted)';
    return `job ${plain(jobId)} is finished: ${options.result}${unknown}`;
  });
}

async function clean(jobId: string, options: GroupOptions, shell: Shell): Promise<void> {
  const { JobRegistry } = await import('../../client/jobs/job-registry.ts');
  const state = await new JobRegistry(await connectAsLeader(options, shell)).clean(jobId);
  print(shell, options, { jobId, state }, () => `job ${plain(jobId)} is ${state}`);
}
