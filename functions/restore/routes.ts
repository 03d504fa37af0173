import * as schema from '../../api/operations/backups.ts';
import { notFound, Problem } from '../../api/problem.ts';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { newestSlot } from '../backups/schedule/policy.ts';
import type { PolicyStore } from '../backups/schedule/policy-store.ts';
import type { PayloadStore } from '../jobs/payloads/payload-store.ts';
import { Answer, type Endpoint, endpoint } from '../platform/http.ts';
import { abandon } from './abandon.ts';
import { isOver, shownRestore, startRestore, type WithLaunch } from './restore.ts';
import { uploadsPrefix } from './source.ts';

/** What is verified within the request, so that damage is its answer; the rest of a large backup is verified by the steps. */
const verifyMs = 10_000;

type Room = WithLaunch & { readonly policies: PolicyStore; readonly payloads: PayloadStore };

export function restoreRoutes(room: Room): Endpoint[] {
  return [
    endpoint(schema.startRestore, async ({ params: { group }, body, requestId }) =>
      shownRestore(await startRestore(room, { group, requestId, ...body }, verifyMs)),
    ),
    endpoint(schema.getRestore, async ({ params: { group, restore } }) => {
      const stored = await room.restores.read(group, restore);
      return stored ? shownRestore(stored.record) : unknown(group, restore);
    }),
    endpoint(schema.abandonRestore, async ({ params: { group, restore } }) => {
      const record = await abandon(room, group, restore);
      return record ? new Answer(isOver(record) ? 200 : 202, shownRestore(record)) : unknown(group, restore);
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

function unknown(group: string, restore: string): never {
  throw new Problem(notFound, `Group "${group}" has no restore ${restore}.`);
}

export function policyRoutes({ policies, clock }: Pick<Room, 'policies' | 'clock'>): Endpoint[] {
  return [
    endpoint(schema.putBackupPolicy, async ({ params: { group }, body: policy }) => {
      const there = await policies.read(group);
      // The slots before it was asked for are none that were missed; asked for again it misses none.
      if (!there || JSON.stringify(sorted(there.policy)) !== JSON.stringify(sorted(policy))) {
        await policies.put({ group, policy, doneUntil: newestSlot(policy, clock.now()) });
      }
      return policy;
    }),
    endpoint(schema.getBackupPolicy, async ({ params: { group } }) => {
      const there = await policies.read(group);
      if (there) return there.policy;
      throw new Problem(notFound, `Group "${group}" has no backup policy; put one.`);
    }),
    endpoint(schema.deleteBackupPolicy, async ({ params: { group } }) => {
      await policies.remove(group);
      return {};
    }),
  ];
}

const sorted = (policy: object) => Object.entries(policy).sort(([one], [other]) => (one < other ? -1 : 1));
