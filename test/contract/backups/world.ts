import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { choose, offer, run, suspend } from '../../../functions/backups/attempt/delegation.ts';
import type { BackupOptions, BackupRecord } from '../../../functions/backups/backup.ts';
import { backupTable } from '../../../functions/backups/backup-table.ts';
import type { WithArchives, WithBucket, WithCutter, WithWorkflow } from '../../../functions/backups/backups.ts';
import type { Archives, GroupCutOutcome, Verification } from '../../../functions/backups/ports.ts';
import { getOrThrow } from '../../../functions/backups/records.ts';
import { begin } from '../../../functions/backups/requests.ts';
import type { Command } from '../../../functions/backups/worker/worker-store.ts';
import { WorkerTable } from '../../../functions/backups/worker/worker-table.ts';
import { answer, poll, register } from '../../../functions/backups/worker/workers.ts';
import type { Cut } from '../../../log/protocol/cut.ts';
import { plainOptions } from '../../support/backups/begun-backup.ts';
import { defaultSettings } from '../../support/backups/settings.ts';
import { type Faults, injectFaults } from '../../support/faults.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import { movedClock } from '../../support/moved-clock.ts';

export const group = 'orders';

/** The calls that the workflow received. A token in `stale` is answered like one whose task is over. */
export class RecordedWorkflow {
  readonly started: string[] = [];
  readonly reports: unknown[][] = [];
  readonly stale = new Set<string>();
  readonly ended = new Set<string>();

  async start({ backupId }: { backupId: string }) {
    this.started.push(backupId);
    return this.ended.has(backupId) ? ('ended' as const) : ('running' as const);
  }
  async succeed(token: string, output: object) {
    return this.tell('succeed', token, output);
  }
  async fail(token: string, error: string, cause: string) {
    return this.tell('fail', token, error, cause);
  }
  async heartbeat(token: string) {
    return this.tell('heartbeat', token);
  }
  private tell(what: string, token: string, ...more: unknown[]) {
    this.reports.push([what, token, ...more]);
    return !this.stale.has(token);
  }
}

const contents = { token: 'first', files: 1, key: 'secret' };

export type Room = WithWorkflow & WithArchives & WithCutter & WithBucket;

/** A room on a table of its own; the workflow, the cut and the archives are played by the test. */
export async function openBackups() {
  const endpoint = inject('dynamodb');
  const client = localDocuments(endpoint);
  const faults: Faults = injectFaults(client);
  const table = await createMainTable(endpoint);
  const clock = movedClock();
  const workflow = new RecordedWorkflow();
  const played = {
    cut: { kind: 'cut', cut: { events: 10 }, contents, pausedMs: 12 } as GroupCutOutcome,
    verification: { kind: 'intact', entryCount: 5, bytes: 50 } as Verification,
    discarded: [] as (number | undefined)[],
    released: [] as string[],
  };
  const archives = {
    uri: ({ backupId, attempt }) => `s3://bucket/backups/${group}/${backupId}/${attempt}/`,
    verify: async () => played.verification,
    async discard(_backup, attempt) {
      played.discarded.push(attempt);
    },
    work: async () => ({
      kind: 'finished' as const,
      finished: { uri: 's3://built-in/', entryCount: 5, bytes: 50, manifestSha256: 'c'.repeat(64) },
    }),
  } satisfies Partial<Archives> as unknown as Archives;
  const room: Room = {
    store: backupTable(client, table),
    workers: new WorkerTable(client, table),
    clock,
    workflow,
    archives,
    bucket: 'bucket',
    cutter: {
      positions: async () => ({ events: 10 }),
      cut: async () => played.cut,
      async release(_group, backupId) {
        played.released.push(backupId);
      },
    },
    settings: defaultSettings,
  };

  const world = {
    client,
    table,
    room,
    clock,
    faults,
    workflow,
    played,
    record: async (backupId: string) => (await getOrThrow(room, { group, backupId })).record,
    register: (...workers: string[]) =>
      Promise.all(workers.map((worker) => register(room, { group, worker }, { host: `${worker}.example` }))),
    begin: (more: Partial<BackupOptions> = {}, requestId: string = randomUUID()): Promise<BackupRecord> =>
      begin(room, { group, options: { ...plainOptions, ...more }, requestId }),
    commands: async (worker: string): Promise<Command[]> => (await poll(room, { group, worker }, 0)).commands,
    /** The worker answers the one command that it has. */
    async reply(worker: string, given: { accepted: boolean; reason?: string; position?: Cut }) {
      const [command] = await world.commands(worker);
      if (!command) throw new Error(`${worker} has no command`);
      await answer(room, { group, worker }, command.commandId, given);
      return command;
    },
    /** As the workflow does until a worker has accepted and the attempt runs. */
    async accepted(more: Partial<BackupOptions> = {}) {
      const { backupId } = await world.begin(more);
      return world.delegated(backupId);
    },
    async delegated(backupId: string) {
      const { attempt } = await choose(room, { group, backupId });
      const name = { group, backupId, attempt };
      const { worker = '' } = await world.record(backupId);
      await suspend(room, { ...name, taskToken: `suspend-${attempt}` });
      await world.reply(worker, { accepted: true });
      await room.store.replace(await getOrThrow(room, name), {
        ...(await world.record(backupId)),
        cut: { events: 10 },
      });
      await offer(room, { ...name, taskToken: `offer-${attempt}` });
      const command = await world.reply(worker, { accepted: true });
      if (command.type !== 'backup') throw new Error(`${worker} was offered ${command.type}`);
      await run(room, { ...name, taskToken: `run-${attempt}` });
      return { ...name, worker, secret: command.attemptSecret };
    },
  };
  return world;
}

export const finished = {
  uri: 'file://nowhere/',
  entryCount: 7,
  bytes: 70,
  manifestSha256: 'a'.repeat(64),
};

export const progress = (sequence: number) => ({
  sequence,
  state: 'RUNNING' as const,
  entryCount: sequence,
  bytes: sequence * 10,
});
