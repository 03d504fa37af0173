import * as schema from '../../api/operations/backups.ts';
import { fromCursor, toCursor } from '../../store/cursor.ts';
import { Answer, type Endpoint, endpoint } from '../platform/http.ts';
import { type BackupRecord, isFinal } from './backup.ts';
import type { BackupName } from './backup-store.ts';
import { toBackupView } from './backup-view.ts';
import type { WithArchives, WithCutter, WithGroups, WithWorkflow } from './backups.ts';
import { listFiles, type WithOwners } from './files.ts';
import { mustExist } from './group-directory.ts';
import { backupPrefix } from './keys.ts';
import { getOrThrow } from './records.ts';
import { begin, cancel, discardMs, explain, refuseFailed, remove, share, unshare, waitForEnd } from './requests.ts';

/** API Gateway waits 29 s. */
const longestWaitMs = 25_000;
const marginMs = 2_000;
const filesCursor = 'FILES#';

type Room = WithWorkflow & WithCutter & WithArchives & WithOwners & WithGroups;

export function backupRoutes(room: Room): Endpoint[] {
  const show = (name: BackupName, record: BackupRecord) => toBackupView(name, record, room.clock.now());
  return [
    endpoint(schema.createBackup, async ({ params: { group }, body, requestId, remainingMs }) => {
      await mustExist(room, group);
      if (body.explain) return new Answer(200, await explain(room, group, body));
      const begun = await begin(room, { group, options: body, requestId });
      const waitMs = body.runAsync ? 0 : Math.min(longestWaitMs, remainingMs() - marginMs);
      const record = await waitForEnd(room, begun, waitMs);
      return new Answer(isFinal(record) ? 200 : 202, show(begun, body.runAsync ? record : refuseFailed(record)));
    }),
    endpoint(schema.listBackups, async ({ params, query }) => {
      const after = query.cursor === undefined ? undefined : fromCursor(query.cursor, backupPrefix);
      const page = await room.store.list(params.group, after, query.limit);
      const items = page.items.map((stored) => show(stored, stored.record));
      return { items, ...(page.last === undefined ? {} : { nextCursor: toCursor(page.last) }) };
    }),
    endpoint(schema.getBackup, async ({ params }) =>
      show(nameOf(params), (await getOrThrow(room, nameOf(params))).record),
    ),
    endpoint(schema.cancelBackup, async ({ params }) => show(nameOf(params), await cancel(room, nameOf(params)))),
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
    endpoint(schema.unshareBackup, async ({ params }) => ({
      sharedWith: [...(await unshare(room, nameOf(params), params.with))],
    })),
    endpoint(schema.shareBackup, async ({ params, body }) => ({
      sharedWith: [...(await share(room, nameOf(params), body.group))],
    })),
  ];
}

const nameOf = ({ group, backup }: { group: string; backup: string }) => ({ group, backupId: backup });
