import * as schema from '../../../api/operations/workers.ts';
import { instant } from '../../../store/clock.ts';
import { fromCursor, toCursor } from '../../../store/cursor.ts';
import { type Endpoint, endpoint } from '../../platform/http.ts';
import * as attempts from '../attempt/attempts.ts';
import type { AttemptName } from '../backup-store.ts';
import type { WithArchives, WithWorkflow } from '../backups.ts';

import * as workers from './workers.ts';

type Room = WithWorkflow & WithArchives;

const marginMs = 2_000;

export function workerRoutes(room: WithWorkflow): Endpoint[] {
  return [
    endpoint(schema.registerWorker, async ({ params, body: { instanceId, ...registration } }) =>
      workers.register(room, { ...params, instanceId }, registration),
    ),
    endpoint(schema.goodbye, async ({ params, query: { instanceId } }) => {
      await workers.goodbye(room, { ...params, instanceId });
      return {};
    }),
    endpoint(schema.listWorkers, async ({ params, query }) => {
      const after = query.cursor === undefined ? undefined : fromCursor(query.cursor, '');
      const { items, more } = await workers.list(room, params.group, after, query.limit);
      const last = items.at(-1)?.worker;
      return {
        items: items.map(({ worker, host, lastSeenAt, present, folders, busyWith }) => ({
          worker,
          host,
          lastSeenAt: instant(lastSeenAt),
          present,
          ...(folders === undefined ? {} : { folders: [...folders] }),
          ...(busyWith === undefined ? {} : { busyWith }),
        })),
        ...(more && last !== undefined ? { nextCursor: toCursor(last) } : {}),
      };
    }),
    endpoint(schema.pollCommands, async ({ params, query, remainingMs }) =>
      workers.poll(
        room,
        { ...params, instanceId: query.instanceId },
        Math.max(0, Math.min(query.waitMs, remainingMs() - marginMs)),
      ),
    ),
    endpoint(schema.answerCommand, async ({ params: { command, ...name }, body }) => {
      await workers.answer(room, name, command, body);
      return {};
    }),
  ];
}

export function attemptRoutes(room: Room): Endpoint[] {
  return [
    endpoint(schema.heartbeat, async ({ params, headers, body }) => ({
      verdict: await attempts.heartbeat(room, nameOf(params), headers['Attempt-Secret'], body),
    })),
    endpoint(schema.finishAttempt, async ({ params, headers, body }) => ({
      verdict: await attempts.finish(room, nameOf(params), headers['Attempt-Secret'], body),
    })),
    endpoint(schema.failAttempt, async ({ params, headers, body }) => ({
      verdict: await attempts.giveUp(room, nameOf(params), headers['Attempt-Secret'], body),
    })),
    endpoint(schema.attemptEntries, async ({ params, headers, query }) => {
      const record = await attempts.requireCurrent(room, nameOf(params), headers['Attempt-Secret']);
      const { entries, nextCursor } = await room.archives.page(record, query.cursor);
      return { entries: [...entries], ...(nextCursor === undefined ? {} : { nextCursor }) };
    }),
    endpoint(schema.attemptFiles, async ({ params, headers, body }) => {
      const record = await attempts.requireCurrent(room, nameOf(params), headers['Attempt-Secret']);
      return { urls: await room.archives.sign(record, body.files) };
    }),
    endpoint(schema.attemptPayloads, async ({ params, headers, body, remainingMs }) => {
      const record = await attempts.requireCurrent(room, nameOf(params), headers['Attempt-Secret']);
      if (record.options.localFileSystem)
        return { urls: await room.archives.signPayloads(params.group, body.payloads) };
      const budgetMs = Math.min(20_000, remainingMs() - marginMs);
      const { copied, resume } = await room.archives.copyPayloads(record, body.payloads, body.resume, budgetMs);
      return { copied, ...(resume === undefined ? {} : { resume }) };
    }),
  ];
}

const nameOf = ({ group, backup, attempt }: { group: string; backup: string; attempt: number }): AttemptName => ({
  group,
  backupId: backup,
  attempt,
});
