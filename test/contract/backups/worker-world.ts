import { expect, onTestFinished } from 'vitest';
import { BackupWorker } from '../../../client/backups/backup-worker.ts';
import type { BackupHooks, WorkerEvent } from '../../../client/backups/hooks.ts';
import { TenureClient } from '../../../client/tenure-client.ts';
import { cut } from '../../../functions/backups/attempt/conclusion.ts';
import { choose, offer, suspend } from '../../../functions/backups/attempt/delegation.ts';
import { attemptRoutes, workerRoutes } from '../../../functions/backups/worker/worker-routes.ts';
import { serve } from '../../../functions/platform/http.ts';
import { defaultSettings } from '../../support/backups/settings.ts';
import { group, openBackups } from './world.ts';

/** A worker of the client library whose requests go straight to the routes; S3 is a map. */
export async function openWorker(
  hooks: BackupHooks = {},
  settings: { suspendTimeoutMs?: number; localDir?: string } = {},
) {
  const world = await openBackups();
  const { clock } = world;
  clock.now = () => Date.now();
  const { suspendTimeoutMs = 60_000 } = settings;
  const times = { ...defaultSettings, suspendTimeoutMs, idlePollMs: 100 };
  const room = { ...world.room, settings: times };
  const files = new Map<string, string>();
  room.archives.page = async () => ({ entries: [{ type: 'leadership', fencingVersion: 1, highestVersion: 1 }] });
  room.archives.sign = async (_name, wanted) =>
    wanted.map(({ name }) => ({ name, url: `https://s3.test/${name}`, headers: {} }));
  const app = serve([...workerRoutes(room), ...attemptRoutes(room)]);
  const events: WorkerEvent[] = [];
  const errors: unknown[] = [];
  const client = new TenureClient({
    url: 'http://tenure.test',
    fetch: (url, init) => Promise.race([app.request(String(url), init as RequestInit), aborted(init?.signal)]),
  });
  const worker = new BackupWorker({
    client,
    group,
    workerId: 'w1',
    ...(settings.localDir === undefined ? {} : { localDir: settings.localDir }),
    hooks: {
      ...hooks,
      onEvent(event) {
        events.push(event);
        hooks.onEvent?.(event);
      },
      onError(error) {
        errors.push(error);
        hooks.onError?.(error);
      },
    },
    s3: {
      async put(url, _headers, block) {
        const pieces: Uint8Array[] = [];
        for await (const piece of block.pieces()) pieces.push(piece);
        files.set(new URL(url).pathname.slice(1), Buffer.concat(pieces).toString('latin1'));
        return { status: 200, etag: undefined, text: '' };
      },
      get: () => Promise.reject(new Error('nothing is read')),
    },
  });
  worker.start();
  onTestFinished(() => worker.close());
  const event = async (type: WorkerEvent['type']) => {
    for (;;) {
      const found = events.find((one) => one.type === type);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await event('registered');
  const reports = async (what: string, token: string) => {
    for (;;) {
      const found = world.workflow.reports.find(([kind, given]) => kind === what && given === token);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { ...world, room, worker, files, events, errors, event, reports };
}

/** As a socket that is closed: without it a held poll outlives its worker. */
function aborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
}

/** As the workflow does, until the worker has answered the offer. */
export async function offered(world: Awaited<ReturnType<typeof openWorker>>, more = {}) {
  const { room } = world;
  const { backupId } = await world.begin(more);
  const { attempt } = await choose(room, { group, backupId });
  const name = { group, backupId, attempt };
  await suspend(room, { ...name, taskToken: 'suspend' });
  const [, , { position }] = (await world.reports('succeed', 'suspend')) as [string, string, { position: object }];
  expect(await cut(room, name, position as Record<string, number>)).toMatchObject({ next: 'offer' });
  await offer(room, { ...name, taskToken: 'offer' });
  return name;
}
