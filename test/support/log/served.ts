import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { logOperations } from '../../../api/operations/log.ts';
import { logReplicaOperations } from '../../../api/operations/log-replicas.ts';
import { logRoutes } from '../../../functions/log/routes.ts';
import { serve } from '../../../functions/platform/http.ts';
import { requestKeysTable } from '../../../functions/platform/request-keys-table.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import type { LogRoom } from '../../../log/log-room.ts';
import type { RecoveryStart } from '../../../log/recovery-workflow.ts';
import { WriterMemories } from '../../../log/writer-memories.ts';
import { localDocuments } from '../main-table.ts';

/** A request and what was answered to it. */
export type Call = (
  method: string,
  path: string,
  body?: object,
  headers?: Record<string, string>,
  // biome-ignore lint/suspicious/noExplicitAny: as the answer is on the wire
) => Promise<{ status: number; body: any }>;

/** The API of the logs as one process serves it, on a room of `logsWith`; no workflow runs, what it starts is noted. */
export function served(endpoint: string, mainTable: string, room: LogRoom, started: RecoveryStart[] = []): Call {
  const start = async (input: RecoveryStart) => {
    started.push(input);
    return { executionId: 'started' };
  };
  const workflow = { start, stop: async () => ['stopped'] };
  const leases = leaseTable(localDocuments(endpoint), mainTable);
  const routes = logRoutes({ ...room, leases, workflow, memories: new WriterMemories() });
  const app = serve(routes, {
    known: [...Object.values(logOperations), ...Object.values(logReplicaOperations)],
    keys: requestKeysTable(localDocuments(endpoint), mainTable),
  });
  return async (method, path, body, headers = {}) => {
    const answer = await app.request(path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    return { status: answer.status, body: JSON.parse(await answer.text()) };
  };
}

/** Founds a log by hand; returns its path. */
export async function founded(call: Call, group = 'orders'): Promise<string> {
  const path = `/v1/groups/${group}/logs/${randomUUID()}`;
  expect((await call('PUT', path, { autoInitialize: false })).status).toBe(201);
  for (const replica of [1, 2, 3]) {
    const answer = await call('POST', `${path}/replicas/${replica}/initialize`, {});
    expect(answer).toEqual({ status: 202, body: { status: 'VOTING' } });
  }
  return path;
}

/** One process's requests to a log. */
export function asks(call: Call, path: string) {
  return {
    elect: (headers?: Record<string, string>) => call('POST', `${path}/writer`, {}, headers),
    /** As the writer of this election. */
    append: ({ body: { writerId } }: { body: { writerId: string } }, entries: string[], key: string = randomUUID()) =>
      call(
        'POST',
        `${path}/entries`,
        { entries: entries.map((text) => Buffer.from(text).toString('base64')) },
        { 'Log-Writer': writerId, 'Idempotency-Key': key },
      ),
    read: (query = '') => call('GET', `${path}/entries${query}`),
    status: () => call('GET', path),
  };
}
