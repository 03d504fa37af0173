import { createWriteStream } from 'node:fs';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { latestCheckpoint, listCheckpoints, showCheckpoint } from '../../api/operations/checkpoints.ts';
import type { Checkpoint, CheckpointStore } from '../../client/jobs/checkpoint-store.ts';
import type { PayloadSource } from '../../client/jobs/source.ts';
import { TenureError } from '../../client/tenure-error.ts';
import { connect, withConnection, withGroup } from '../connection.ts';
import { UsageError } from '../exit.ts';
import { bytes, collectItems, fields, plain, print, relative, table } from '../output.ts';
import type { Shell } from '../shell.ts';
import { afterDashes, outputOf, refuseEmpty } from './producer.ts';
import { connectAsLeader, type GroupOptions, readWhole, withMetadata } from './terms.ts';
import { shownTransfer, sourceOf } from './transfer.ts';

const maxId = Number.MAX_SAFE_INTEGER - 1;

export function checkpointCommands(program: Command, shell: Shell): void {
  const checkpoint = program.command('checkpoint').description('save and fetch the state of a job');
  const subcommand = (name: string, description: string) =>
    withConnection(withGroup(checkpoint.command(name).description(description), shell)).argument(
      '<job>',
      'id of the job',
    );

  withMetadata(subcommand('add', 'save a state of the job, as the leader: under tenure lead'))
    .usage('<job> [options] (-- command [args…] | [file])')
    .argument('[file...]', 'the state; - for standard input (default: -)')
    .option('--savepoint', 'keep it until it is discarded by its id')
    .option('--allow-empty', 'commit a state of zero bytes')
    .option('--id <n>', 'the id that it gets: reserved before, or above the newest one', readWhole(maxId, 0))
    .addHelpText('after', moreOnAdd)
    .action((jobId: string, files: string[], options: AddOptions, command: Command) =>
      add(jobId, files, afterDashes(command), options, shell),
    );

  subcommand('latest', 'what is known of the newest checkpoint').action((jobId: string, options: GroupOptions) =>
    latest(jobId, options, shell),
  );

  subcommand('reserve', 'reserve the next checkpoint id, as the leader: under tenure lead').action(
    (jobId: string, options: GroupOptions) => reserve(jobId, options, shell),
  );

  subcommand('ls', 'the checkpoints and savepoints that are kept, newest last').action(
    (jobId: string, options: GroupOptions) => list(jobId, options, shell),
  );

  subcommand('get', 'fetch the state of a checkpoint or savepoint; its digest is verified')
    .argument('[id]', 'its id', 'latest')
    .option('--output <file>', 'where to, readable by you only; - for standard output', '-')
    .action((jobId: string, id: string, options: GetOptions) => get(jobId, id, options, shell));

  subcommand('discard', 'discard one checkpoint or savepoint, or all checkpoints, as the leader')
    .option('--all', 'all checkpoints; savepoints stay')
    .option('--id <n>', 'this checkpoint or savepoint', readWhole(maxId, 0))
    .option('--force', 'with --id: also the newest checkpoint, which the next leader would recover')
    .option('--savepoint <id>', 'this savepoint', readWhole(maxId))
    .action((jobId: string, options: DiscardOptions) => discard(jobId, options, shell));
}

const moreOnAdd = `
With -- command, runs the command and commits its standard output if it exits 0, and nothing otherwise. A shell pipe cannot do that:
in "producer | tenure checkpoint add job -" a producer that fails half-way looks like one that is done.`;

interface AddOptions extends GroupOptions {
  savepoint?: boolean;
  allowEmpty?: boolean;
  id?: number;
  metadata?: Record<string, unknown>;
}

interface GetOptions extends GroupOptions {
  output: string;
}

interface DiscardOptions extends GroupOptions {
  all?: boolean;
  id?: number;
  force?: boolean;
  savepoint?: number;
}

async function storeOf(jobId: string, options: GroupOptions, shell: Shell): Promise<CheckpointStore> {
  const { CheckpointStore } = await import('../../client/jobs/checkpoint-store.ts');
  return new CheckpointStore({ ...(await connectAsLeader(options, shell)), jobId });
}

async function add(
  jobId: string,
  files: readonly string[],
  producer: readonly string[] | undefined,
  options: AddOptions,
  shell: Shell,
): Promise<void> {
  const store = await storeOf(jobId, options, shell);
  const stop = new AbortController();
  const source = await stateOf(files, producer, options, shell, stop.signal);
  const { metadata, id: checkpointId } = options;
  const committed = await shownTransfer(
    shell,
    { ...options, ...(producer === undefined && (files[0] ?? '-') === '-' && { typedOn: shell.input }) },
    `state of ${jobId}`,
    `whether the state was committed, tenure checkpoint latest ${jobId} --group ${options.group} tells.`,
    (onProgress) =>
      options.savepoint
        ? store.addSavepoint(source, { metadata, checkpointId, onProgress })
        : store.add(source, { metadata, checkpointId, onProgress }),
  ).finally(() => stop.abort());
  print(shell, options, { jobId, ...committed }, ({ checkpointId, retained }) => {
    const what = options.savepoint ? 'savepoint' : 'checkpoint';
    return `${what} ${checkpointId} of ${plain(jobId)} is committed; kept are the checkpoints ${retained.join(', ') || 'none'}`;
  });
}

async function stateOf(
  files: readonly string[],
  producer: readonly string[] | undefined,
  { allowEmpty = false }: AddOptions,
  shell: Shell,
  signal: AbortSignal,
): Promise<PayloadSource> {
  if (producer === undefined) {
    if (files.length > 1) throw new UsageError(`Give one file, or a command after --, not ${files.length} files.`);
    return sourceOf(files[0] ?? '-', shell, allowEmpty);
  }
  if (producer.length === 0) throw new UsageError('Give the command to run after --.');
  if (files.length !== producer.length) throw new UsageError('Give the job, then either a file or -- and a command.');
  const output = outputOf(producer, signal);
  return allowEmpty ? output : refuseEmpty(output, `The output of "${producer[0]}"`);
}

async function latest(jobId: string, options: GroupOptions, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const checkpoint = await client.call(latestCheckpoint, { params: { group: options.group, job: jobId } });
  print(shell, options, checkpoint, describe);
}

function describe({ checkpointId, bytes: size, sha256, committedAt, metadata }: Checkpoint): string {
  return fields({
    checkpoint: checkpointId,
    size: `${bytes(size)} (${size} bytes)`,
    'SHA-256': sha256,
    committed: `${committedAt} (${relative(committedAt)})`,
    ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
  });
}

async function reserve(jobId: string, options: GroupOptions, shell: Shell): Promise<void> {
  const checkpointId = await (await storeOf(jobId, options, shell)).reserve();
  print(shell, options, { jobId, checkpointId }, () => String(checkpointId));
}

async function list(jobId: string, options: GroupOptions, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const params = { group: options.group, job: jobId };
  const items = await collectItems(client.items<Checkpoint>(listCheckpoints, { params }));
  print(shell, options, items, () =>
    table(
      items,
      [
        { title: 'CHECKPOINT', of: ({ checkpointId }) => checkpointId },
        { title: 'KIND', of: ({ kind }) => kind },
        { title: 'SIZE', of: ({ bytes: size }) => bytes(size) },
        { title: 'COMMITTED', of: ({ committedAt }) => relative(committedAt) },
        { title: 'METADATA', of: ({ metadata }) => (metadata === undefined ? undefined : JSON.stringify(metadata)) },
      ],
      `job ${jobId} has no checkpoint`,
    ),
  );
}

async function get(jobId: string, id: string, options: GetOptions, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const { download } = await import('../../client/jobs/download.ts');
  const { downloadFile } = await import('../../client/jobs/download-file.ts');
  const params = { group: options.group, job: jobId };
  const read = (): Promise<Checkpoint> =>
    id === 'latest'
      ? client.call(latestCheckpoint, { params })
      : client.call(showCheckpoint, { params: { ...params, checkpoint: numbered(id) } });
  const checkpoint = await read();
  const { checkpointId } = checkpoint;
  const refresh = () => client.call(showCheckpoint, { params: { ...params, checkpoint: checkpointId } });
  const { output } = options;
  const incomplete =
    output === '-' ? 'the output is incomplete.' : `${plain(output)} was not written; repeat the command.`;
  await shownTransfer(shell, options, `checkpoint ${checkpointId} of ${jobId}`, incomplete, async (onProgress) => {
    if (output !== '-') return downloadFile(checkpoint, output, { refresh, onProgress }).catch(unwritable(output));
    return pipeline(download(checkpoint, { refresh, onProgress }), standardOutput());
  });
  if (output === '-') return;
  const { url: _, ...known } = checkpoint;
  print(shell, options, { ...known, file: output }, () => `checkpoint ${checkpointId} is in ${plain(output)}`);
}

const fullDisk = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO']);

/** A system error in the words of the user. */
const unwritable = (output: string) => (error: NodeJS.ErrnoException) => {
  const { code = '', message } = error;
  if (fullDisk.has(code)) {
    const why = `"${output}" cannot be written: ${message}. Nothing was left behind.`;
    throw new TenureError(why, { code: 'disk_failed', status: 0, retryable: true, request: 'checkpoint get' });
  }
  if (error instanceof TenureError || !/^E[A-Z]+$/.test(code)) throw error;
  throw new UsageError(`"${output}" cannot be written (${message}): give the path of a file in a folder of yours.`);
};

function numbered(id: string): number {
  if (/^(0|[1-9]\d{0,14})$/.test(id)) return Number(id);
  throw new UsageError(`"${id}" is no id of a checkpoint: give a number, or latest.`);
}

/** Standard output outlives the pipeline that writes to it. */
function standardOutput(): Writable {
  const { stdout } = process;
  if (!stdout.writable) return createWriteStream('/dev/null');
  return new Writable({ write: (piece, encoding, done) => void stdout.write(piece, encoding, done) });
}

async function discard(jobId: string, options: DiscardOptions, shell: Shell): Promise<void> {
  const { all, id, savepoint, force = false } = options;
  if ([all, id, savepoint].filter((given) => given !== undefined).length !== 1)
    throw new UsageError('Say what to discard: --all checkpoints, --id ID, or --savepoint ID.');
  const store = await storeOf(jobId, options, shell);
  if (savepoint !== undefined) await store.discardSavepoint(savepoint);
  if (id !== undefined) await store.discard(id, { force });
  const discarded = all ? await store.discardAll() : 1;
  print(shell, options, { jobId, discarded }, () => {
    if (id !== undefined) return `checkpoint ${id} is discarded`;
    return savepoint === undefined
      ? `${discarded} checkpoints of ${plain(jobId)} are discarded`
      : `savepoint ${savepoint} is discarded`;
  });
}
