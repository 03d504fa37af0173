import { v7 } from 'uuid';
import { CheckpointStore, type S3, TenureClient, termFromEnvironment } from '../../../../client/index.ts';
import { writeUpload } from '../../../../functions/jobs/payloads/upload.ts';
import { ManualTime } from '../../../support/manual-time.ts';

interface Commit {
  readonly kind: string;
  readonly expected: number | undefined;
}

const stateOf: S3['get'] = async () => new Response('state', { headers: { 'content-length': '5' } });

/**
 * The checkpoints of a new job, on a service that takes every upload, and answers each commit once `answering` has
 * settled.
 */
export function newJob(get = stateOf) {
  const time = new ManualTime();
  const commits: Commit[] = [];
  const service = { commits, answering: Promise.resolve() };
  const fetch = async (input: unknown, init: RequestInit = {}) => {
    const step = new URL(String(input)).pathname.split('/').at(-1);
    const body = JSON.parse(String(init.body));
    const signed = { url: 'http://s3.test/payload', headers: {} };
    const expiresAt = '2026-11-01T13:00:00.000Z';
    if (step === 'uploads' && body.bytes !== undefined) {
      return Response.json({ method: 'put', uploadId: v7(), ...signed, expiresAt });
    }
    if (step === 'uploads') {
      const uploadId = writeUpload({ payloadId: v7(), multipartId: 'm' });
      return Response.json({ method: 'multipart', uploadId, partBytes: 4 });
    }
    if (step === 'parts') {
      const urls = (body.parts as { partNumber: number }[]).map(({ partNumber }) => ({ partNumber, ...signed }));
      return Response.json({ urls, expiresAt });
    }
    const checkpointId = commits.push({ kind: body.kind, expected: body.expectedCheckpointId });
    await service.answering;
    return Response.json({ checkpointId, retained: [checkpointId] }, { status: 201 });
  };
  const s3: S3 = {
    put: async () => ({ status: 200, etag: '"etag"', text: '' }),
    get,
  };
  const term = termFromEnvironment({
    TENURE_GROUP: 'g',
    TENURE_FENCING_VERSION: '1',
    TENURE_SESSION_ID: '0d3c0d5a-6a3f-4f0c-9d4b-3a6c1a52a1f1',
  });
  const client = new TenureClient({ url: 'http://tenure.test', fetch: fetch as typeof globalThis.fetch, time });
  const checkpoints = new CheckpointStore({ client, term, jobId: 'j', nextCheckpointId: 1, s3 });
  return { checkpoints, service, term, time };
}
