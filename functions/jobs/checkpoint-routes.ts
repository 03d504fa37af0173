import * as schema from '../../api/operations/checkpoints.ts';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { instant } from '../../store/clock.ts';
import { fromCursor, toCursor } from '../../store/cursor.ts';
import { Answer, type Endpoint, endpoint } from '../platform/http.ts';
import * as checkpoints from './checkpoints.ts';
import { type CleanUpStore, clean } from './clean-up/clean-up.ts';
import { type Collector, collectPage } from './clean-up/collector.ts';
import type { JobName, Payload } from './job.ts';
import { toCheckpointView } from './job-view.ts';
import { jobPrefix } from './keys.ts';
import { payloadKey, payloadPrefix } from './payloads/upload.ts';
import type { Recovery } from './recovery.ts';
import * as recovery from './recovery.ts';

const named = ({ group, job }: { group: string; job: string }): JobName => ({ group, jobId: job });

/** Two URLs of each job make 3 KB of answer. */
const jobsPerPage = 100;

type Room = Recovery & { readonly cleanUps: CleanUpStore };

export function checkpointRoutes(room: Room): Endpoint[] {
  const url = ({ group, jobId }: JobName, { payloadId }: Payload) =>
    room.payloads.signGet(payloadKey(group, jobId, payloadId), room.clock.now());
  const view = async (name: JobName, { kind, checkpoint }: checkpoints.Kept) => ({
    kind,
    ...toCheckpointView(checkpoint),
    url: await url(name, checkpoint),
  });

  return [
    endpoint(schema.commitCheckpoint, async ({ params, fence, body, requestId }) => {
      const { inline, uploadId, parts, sha256, bytes, ...rest } = body;
      const payload =
        inline === undefined
          ? { uploadId: uploadId ?? '', parts, sha256, bytes }
          : { inline: Buffer.from(inline, 'base64') };
      const commit = { ...rest, payload };
      const committed = await checkpoints.commit(room, named(params), fence.fencingVersion, commit, requestId);
      const answer = { ...committed, retained: [...committed.retained] };
      return committed.dropped ? new Answer(200, answer) : answer;
    }),
    endpoint(schema.reserveCheckpoint, async ({ params, fence, body: { atLeast }, requestId }) => ({
      checkpointId: await checkpoints.reserve(room, named(params), fence.fencingVersion, { atLeast, requestId }),
    })),
    endpoint(schema.listCheckpoints, async ({ params, query: { limit, cursor } }) => {
      const name = named(params);
      const after = cursor === undefined ? -1 : Number(fromCursor(cursor, '', /^(0|[1-9]\d{0,15})$/));
      const kept = (await checkpoints.list(room, name)).filter(({ checkpoint }) => checkpoint.checkpointId > after);
      const items = await Promise.all(kept.slice(0, limit).map((one) => view(name, one)));
      const last = kept.length > limit ? items.at(-1)?.checkpointId : undefined;
      return { items, ...(last === undefined ? {} : { nextCursor: toCursor(String(last)) }) };
    }),
    endpoint(schema.latestCheckpoint, async ({ params }) =>
      view(named(params), await checkpoints.latest(room, named(params))),
    ),
    endpoint(schema.showCheckpoint, async ({ params }) =>
      view(named(params), await checkpoints.find(room, named(params), params.checkpoint)),
    ),
    endpoint(schema.discardCheckpoint, async ({ params, query, fence }) => {
      const { fencingVersion } = fence;
      return {
        discarded: await checkpoints.discard(room, named(params), fencingVersion, params.checkpoint, query.force),
      };
    }),
    endpoint(schema.cleanJob, async ({ params, fence }) => ({
      state: await clean(room, named(params), fence.fencingVersion),
    })),
    endpoint(schema.discardCheckpoints, async ({ params, fence, requestId }) => ({
      discarded: await checkpoints.discardAll(room, named(params), fence.fencingVersion, requestId),
    })),
    endpoint(schema.discardSavepoint, async ({ params, fence }) => ({
      discarded: await checkpoints.discardSavepoint(room, named(params), fence.fencingVersion, params.savepoint),
    })),
    endpoint(schema.recover, async ({ params, fence, body }) => {
      const after = body.cursor === undefined ? undefined : fromCursor(body.cursor, jobPrefix);
      const page = await recovery.recover(room, params.group, fence, { ...body, after, limit: jobsPerPage });
      const jobs = await mapConcurrent(page.jobs, 16, (recovered) => toRecoveredView(recovered, url));
      const { damaged, last } = page;
      return { jobs, damaged, ...(last === undefined ? {} : { nextCursor: toCursor(last) }) };
    }),
  ];
}

export function collectRoutes(room: Collector): Endpoint[] {
  return [
    endpoint(schema.collectOrphans, async ({ params: { group }, body: { dryRun, cursor } }) => {
      const after = cursor === undefined ? undefined : fromCursor(cursor, `${payloadPrefix}${group}/jobs/`);
      const { orphans, scanned, held, next } = await collectPage(room, { group, after, dryRun });
      const collected = orphans.map(({ modifiedAt, ...rest }) => ({ ...rest, modifiedAt: instant(modifiedAt) }));
      return { collected, scanned, held, graceMs: room.graceMs, ...(next ? { nextCursor: toCursor(next) } : {}) };
    }),
  ];
}

async function toRecoveredView(
  { job, graph, checkpoint }: recovery.RecoveredJob,
  url: (name: JobName, payload: Payload) => Promise<string>,
) {
  const { jobId, metadata, retain, nextCheckpointId } = job;
  return {
    jobId,
    ...(metadata === undefined ? {} : { metadata: metadata as never }),
    retain,
    graph: { url: await url(job, graph), bytes: graph.bytes, sha256: graph.sha256 },
    checkpoint: checkpoint
      ? {
          checkpointId: checkpoint.checkpointId,
          url: await url(job, checkpoint),
          bytes: checkpoint.bytes,
          sha256: checkpoint.sha256,
          metadata: (checkpoint.metadata ?? null) as never,
        }
      : null,
    nextCheckpointId,
  };
}
