import * as schema from '../../api/operations/backups.ts';
import { fromCursor, toCursor } from '../platform/cursor.ts';
import { Answer, type Endpoint, endpoint } from '../platform/http.ts';
import { isFinal } from './backup.ts';
import type { WithArchives, WithCutting, WithWorkflow } from './backups.ts';
import { listFiles, type WithOwners } from './files.ts';
import { backupPrefix } from './keys.ts';
import { known } from './records.ts';
import { awaited, begin, cancel, discardMs, explain, orFailed, remove, share, shown } from './requests.ts';

/** API Gateway waits 29 s. */
const longestWaitMs = 25_000;
const marginMs = 2_000;
const filesCursor = 'FILES#';

type Room = WithWorkflow & WithCutting & WithArchives & WithOwners;

export function backupRoutes(room: Room): Endpoint[] {
  const show = (record: Parameters<typeof shown>[0]) => shown(record, room.clock.now());
  return [
    endpoint(schema.createBackup, async ({ params: { group }, body, requestId, remainingMs }) => {
      if (body.explain) return new Answer(200, await explain(room, group, body));
      const begun = await begin(room, { group, options: body, requestId });
      const waitMs = body.runAsync ? 0 : Math.min(longestWaitMs, remainingMs() - marginMs);
      const record = await awaited(room, begun, waitMs);
      return new Answer(isFinal(record) ? 200 : 202, show(body.runAsync ? record : orFailed(record)));
    }),
    endpoint(schema.listBackups, async ({ params, query }) => {
      const after = query.cursor === undefined ? undefined : fromCursor(query.cursor, backupPrefix);
      const page = await room.store.list(params.group, after, query.limit);
      const items = page.items.map(({ record }) => show(record));
      return { items, ...(page.last === undefined ? {} : { nextCursor: toCursor(page.last) }) };
    }),
    endpoint(schema.getBackup, async ({ params }) => show((await known(room, nameOf(params))).record)),
    endpoint(schema.cancelBackup, async ({ params }) => show(await cancel(room, nameOf(params)))),
    endpoint(schema.deleteBackup, async ({ params, requestId, remainingMs }) => {
      await remove(room, { ...nameOf(params), requestId }, () => remainingMs() > discardMs);
      return { deleted: true };
    }),
    endpoint(schema.listBackupFiles, async ({ params, query: { cursor, limit } }) => {
      const from =
        cursor === undefined ? 0 : Number(fromCursor(cursor, filesCursor, /^\d{1,9}$/).slice(filesCursor.length));
      const { items, more } = await listFiles(room, nameOf(params), from, limit);
      return {
        items: items.map((file) => ({ ...file })),
        ...(more ? { nextCursor: toCursor(`${filesCursor}${from + limit}`) } : {}),
      };
    }),
    endpoint(schema.shareBackup, async ({ params, body }) => ({
      sharedWith: [...(await share(room, nameOf(params), body.group))],
    })),
  ];
}

const nameOf = ({ group, backup }: { group: string; backup: string }) => ({ group, backupId: backup });
