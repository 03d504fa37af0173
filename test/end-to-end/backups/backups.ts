import { dirname, join } from 'node:path';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { build } from 'esbuild';
import { inject, type TestContext } from 'vitest';
import type * as z from 'zod/mini';
import { type backupOptions, type backupStatus, createBackup, getBackup } from '../../../api/operations/backups.ts';
import { listWorkers } from '../../../api/operations/workers.ts';
import { type BackupWorker, hasCode, type WorkerEvent } from '../../../client/index.ts';
import { type Watched, watch } from '../../support/processes.ts';
import { project } from '../../support/stack.ts';
import { client, end, eventually } from '../leadership/tenure.ts';
import { type Moment, type StandbyOptions, standby } from './standby.ts';

export type Status = z.output<typeof backupStatus>;

/** Begins a backup. */
export async function begun(group: string, body: z.input<typeof backupOptions> = {}): Promise<Status> {
  const answer = await client().call(createBackup, { params: { group }, body });
  if ('explain' in answer) throw new Error('This was an explanation');
  return answer;
}

export const statusOf = (group: string, backup: string) =>
  answered(`the status of ${backup}`, () => client().call(getBackup, { params: { group, backup } }));

/** Asks until the service answers: on a machine that has much to do that takes a while. */
function answered<Answer>(what: string, ask: () => Promise<Answer>): Promise<Answer> {
  return eventually(`the service answers ${what}`, () =>
    ask().catch((error: unknown) => {
      if (hasCode(error, 'unreachable', 'unavailable')) return undefined;
      throw error;
    }),
  ) as Promise<Answer>;
}

/** A machine that has much to do takes its time over each step of a backup. */
const waitMs = 180_000;

/** The status of a backup once it is as wanted. */
export function when(
  group: string,
  backupId: string,
  wanted: (status: Status) => boolean,
  withinMs = waitMs,
): Promise<Status> {
  const look = async () => {
    const status = await statusOf(group, backupId);
    if (wanted(status)) return status;
    if (hasEnded(status)) throw new Error(`The backup ended otherwise: ${JSON.stringify(status)}`);
    return undefined;
  };
  return eventually(`backup ${backupId} of ${group} is as wanted`, look, withinMs);
}

const hasEnded = ({ state }: Status) => state === 'COMPLETED' || state === 'FAILED';

export const ended = (group: string, backupId: string, withinMs?: number) => when(group, backupId, hasEnded, withinMs);

/** Waits for this before the backup ends; throws with its status when that comes first. */
export function meanwhile<Happened>(group: string, backupId: string, what: Promise<Happened>): Promise<Happened> {
  const never = ended(group, backupId).then((status) => {
    throw new Error(`The backup ended before: ${JSON.stringify(status)}`);
  });
  return Promise.race([what, never]);
}

/** Takes a backup and waits for its end. */
export async function taken(
  group: string,
  body: z.input<typeof backupOptions> = {},
  withinMs?: number,
): Promise<Status> {
  const { backupId } = await begun(group, body);
  return ended(group, backupId, withinMs);
}

/** Waits until the service counts on the worker. */
export function present(group: string, worker: string): Promise<unknown> {
  return eventually(`${worker} is present in ${group}`, async () => {
    const { items } = await answered('who works', () => client().call(listWorkers, { params: { group } }));
    return items.some((one) => one.worker === worker && one.present);
  });
}

/** Next to the stack's own, which is removed with it: the files that share this module share what is built. */
const folder = () => join(dirname(inject('stack').logs), 'programs', String(process.pid));
const bundled = new Map<string, Promise<unknown>>();

/** Runs a program of this folder, in one file, since many processes start from it. */
export async function startProgram(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  name: string,
  ...argv: string[]
): Promise<Watched> {
  const outfile = join(folder(), `${name}.mjs`);
  const entryPoints = [join(project, `test/end-to-end/backups/${name}.ts`)];
  const building = bundled.get(name) ?? build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm' });
  bundled.set(name, building);
  await building;
  const watched = watch(process.execPath, [outfile, inject('stack').api, ...argv], { cwd: project });
  onTestFinished(() => end(watched));
  return watched;
}

/** Runs a standby as a process that dies, or holds, at the moment; returns once it is registered. */
export async function startProcess(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  group: string,
  id: string,
  ...more: [] | [moment: Moment, act: 'die' | 'hold', lines?: number]
) {
  const watched = await startProgram({ onTestFinished }, 'standby-process', group, id, ...more.map(String));
  await present(group, id);
  return watched;
}

interface Running {
  readonly worker: BackupWorker;
  readonly events: WorkerEvent[];
  /** Waits until it has happened, and answers it. */
  event<Type extends WorkerEvent['type']>(type: Type): Promise<Extract<WorkerEvent, { type: Type }>>;
}

/** Runs a standby in this process; returns once it is registered. */
export async function start(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  group: string,
  workerId: string,
  more: Pick<StandbyOptions, 'at' | 'lines' | 'localDir'> = {},
): Promise<Running> {
  const events: WorkerEvent[] = [];
  const worker = standby({ ...more, url: inject('stack').api, group, workerId, say: (one) => void events.push(one) });
  worker.start();
  onTestFinished(() => worker.close());
  await present(group, workerId);
  return {
    worker,
    events,
    event: (type) => eventually(`${workerId} has said ${type}`, () => events.find((one) => one.type === type)) as never,
  };
}

/** A gate: every caller waits until it is opened. */
export function gate() {
  let open = () => {};
  let reach = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return {
    open,
    reached,
    wait() {
      reach();
      return opened;
    },
  };
}

/** The files of a backup in S3, below its own prefix. */
export async function filesOf(group: string, backupId: string): Promise<string[]> {
  const { s3, bucket, region, credentials } = inject('stack');
  const store = new S3Client({ endpoint: s3, region, forcePathStyle: true, credentials });
  const Prefix = `backups/${group}/${backupId}/`;
  const { Contents = [] } = await store.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }));
  store.destroy();
  return Contents.map(({ Key = '' }) => Key.slice(Prefix.length));
}
