import * as schema from '../../api/operations/jobs.ts';
import { instant } from '../../store/clock.ts';
import { fromCursor, toCursor } from '../../store/cursor.ts';
import { type Endpoint, endpoint } from '../platform/http.ts';
import { type JobName, stateOf } from './job.ts';
import { toJobView, toListedJob } from './job-view.ts';
import * as jobs from './jobs.ts';
import { jobPrefix } from './keys.ts';
import { payloadKey } from './payloads/upload.ts';
import * as uploads from './payloads/uploads.ts';

const named = ({ group, job }: { group: string; job: string }): JobName => ({ group, jobId: job });

export function jobRoutes(room: jobs.Jobs): Endpoint[] {
  return [
    endpoint(schema.beginUpload, async ({ params, fence, body }) => {
      await jobs.requireTerm(room, params.group, fence);
      const begun = await uploads.begin(room, named(params), body);
      if (begun.method === 'multipart') return begun;
      const { request, expiresAt, ...rest } = begun;
      return { ...rest, ...request, expiresAt: instant(expiresAt) };
    }),
    endpoint(schema.signParts, async ({ params, fence, body }) => {
      await jobs.requireTerm(room, params.group, fence);
      const { urls, expiresAt } = await uploads.signParts(room, named(params), params.upload, body.parts);
      return { urls, expiresAt: instant(expiresAt) };
    }),
    endpoint(schema.submitJob, async ({ params, fence, body, requestId }) => {
      const { graph, ...rest } = body;
      const bytes = 'inline' in graph ? { inline: Buffer.from(graph.inline, 'base64') } : graph;
      await jobs.submit(room, named(params), fence, { ...rest, graph: bytes }, requestId);
      return { jobId: params.job, fencingVersion: fence.fencingVersion };
    }),
    endpoint(schema.listJobs, async ({ params, query }) => {
      const after = query.cursor === undefined ? undefined : fromCursor(query.cursor, jobPrefix);
      const page = await room.jobs.list(params.group, after, query.limit);
      const { state } = query;
      const items = page.items.filter((record) => state === undefined || stateOf(record) === state).map(toListedJob);
      return { items, ...(page.last === undefined ? {} : { nextCursor: toCursor(page.last) }) };
    }),
    endpoint(schema.showJob, async ({ params }) => {
      const job = await jobs.getOrThrow(room, named(params));
      const { graph, ...rest } = toJobView(job);
      if (!graph || !job.graph) return { ...rest, graph: null };
      const key = payloadKey(job.group, job.jobId, job.graph.payloadId);
      return { ...rest, graph: { ...graph, url: await room.payloads.signGet(key, room.clock.now()) } };
    }),
    endpoint(schema.finishJob, async ({ params, fence, body, requestId }) => {
      const { result: outcome, ...rest } = body;
      return jobs.finish(room, named(params), fence, { outcome, ...rest }, requestId);
    }),
  ];
}
