import { deleteGroup as deleteGroupOperation } from '../../api/operations/leadership.ts';
import * as schema from '../../api/operations/restore.ts';
import { notFound, ProblemError } from '../../api/problem.ts';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import type { PayloadStore } from '../jobs/payloads/payload-store.ts';
import { Answer, type Endpoint, endpoint } from '../platform/http.ts';
import { abandon } from './abandon.ts';
import { type Deleting, deleteGroup } from './deletion.ts';
import { isOver, startRestore, toRestoreView, type WithLaunch } from './restore.ts';
import { uploadsPrefix } from './source.ts';

/**
 * The part that is verified within the request, so that damage is its response; the rest of a large backup is verified
 * by the steps.
 */
const verifyMs = 10_000;
/** For the step that is under way, and the answer. */
const marginMs = 8_000;

type Room = WithLaunch & { readonly payloads: PayloadStore };

/** A group is deleted for so long in one request; its answer says whether there is more. */
const deleteMs = 15_000;

export function restoreRoutes(room: Room): Endpoint[] {
  return [
    endpoint(schema.startRestore, async ({ params: { group }, body, requestId }) =>
      toRestoreView(await startRestore(room, { group, requestId, ...body }, verifyMs)),
    ),
    endpoint(schema.getRestore, async ({ params: { group, restore } }) => {
      const stored = await room.restores.read(group, restore);
      return stored ? toRestoreView(stored.record) : unknown(group, restore);
    }),
    endpoint(schema.abandonRestore, async ({ params: { group, restore } }) => {
      const record = await abandon(room, group, restore);
      return record ? new Answer(isOver(record) ? 200 : 202, toRestoreView(record)) : unknown(group, restore);
    }),
    endpoint(schema.uploadRestore, async ({ params: { group }, body: { uploadId, files } }) => {
      const prefix = `${uploadsPrefix(group)}${uploadId}/`;
      const urls = await mapConcurrent(files, 16, async (file) => ({
        name: file.name,
        ...(await room.payloads.signPut(`${prefix}${file.name}`, file, room.clock.now())),
      }));
      return { uri: `s3://${room.bucketName}/${prefix}`, urls };
    }),
  ];
}

export const deletionRoutes = (room: Deleting): Endpoint[] => [
  endpoint(deleteGroupOperation, async ({ params: { group }, query: { dryRun }, remainingMs }) =>
    deleteGroup(room, group, { dryRun, budgetMs: Math.min(deleteMs, remainingMs() - marginMs) }),
  ),
];

function unknown(group: string, restore: string): never {
  throw new ProblemError(notFound, `Group "${group}" has no restore ${restore}.`);
}
