import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test, vi } from 'vitest';
import { type EmbeddedMetric, embeddedMetricsIn } from '../../support/embedded-metrics.ts';
import { fireSchedule } from '../../support/stack.ts';

const stack = inject('stack');
const group = `watched-${process.pid}`;
const hidden = `hidden-${randomUUID()}`;

type Fence = Record<string, string>;

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the test looks into answers of every operation
  body: any;
}

/** Tries again what a busy machine did not answer in time, as a client would. */
async function call(method: string, path: string, body?: object, headers: Fence = {}): Promise<Answer> {
  const init = {
    method,
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID(), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  };
  for (let tried = 1; ; tried += 1) {
    const answer = await fetch(`${stack.api}/v1/groups/${group}${path}`, init);
    const { status } = answer;
    if (status !== 503 || tried === 10) return { status, body: await answer.json() };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function lead(contenderId: string): Promise<Fence> {
  const { body } = await call('POST', '/leadership/contend', { contenderId, leaseMs: 60_000 });
  const fence = { 'fencing-version': `${body.fencingVersion}`, 'leader-session': `${body.sessionId}` };
  await call('POST', '/leadership/confirm', { address: 'a:1', metadata: { note: hidden } }, fence);
  return fence;
}

async function commit(fence: Fence): Promise<void> {
  const digest = await crypto.subtle.digest('SHA-256', Buffer.from(hidden));
  const promised = { purpose: 'checkpoint', bytes: hidden.length, sha256: Buffer.from(digest).toString('hex') };
  const { body } = await call('POST', '/jobs/billing/uploads', promised, fence);
  await fetch(body.url, { method: 'PUT', headers: body.headers, body: hidden });
  const committed = { uploadId: body.uploadId, metadata: { note: hidden } };
  expect((await call('POST', '/jobs/billing/checkpoints', committed, fence)).status).toBe(201);
}

async function output(): Promise<Map<string, string>> {
  const files = (await readdir(stack.logs)).filter((file) => file.endsWith('.log'));
  return new Map(
    await Promise.all(files.map(async (file) => [file, await readFile(join(stack.logs, file), 'utf8')] as const)),
  );
}

/** The lines in the embedded metric format that functions have written, by the name of their metric. */
async function emitted(): Promise<Map<string, EmbeddedMetric[]>> {
  const found = new Map<string, EmbeddedMetric[]>();
  for (const embedded of [...(await output()).values()].flatMap(embeddedMetricsIn)) {
    for (const { Metrics } of embedded._aws.CloudWatchMetrics) {
      for (const { Name } of Metrics) found.set(Name, [...(found.get(Name) ?? []), embedded]);
    }
  }
  return found;
}

const renewal = 'POST /v1/groups/{group}/leadership/renew';

test('each metric is written where it happens, each request leaves a line that names it, and no log has what is secret', async () => {
  const first = await lead('a');
  const graph = { inline: Buffer.from(hidden).toString('base64') };
  const submitted = await call('PUT', '/jobs/billing', { graph, metadata: { note: hidden } }, first);
  expect(submitted.status).toBe(201);
  await commit(first);
  await call('POST', '/leadership/resign', {}, first);
  const second = await lead('b');
  expect((await call('POST', '/recovery', {}, second)).status).toBe(200);
  expect((await call('POST', '/leadership/renew', {}, second)).status).toBe(200);
  expect((await call('POST', '/jobs/billing/finish', { result: 'failed', detail: hidden }, first)).body.code).toBe(
    'fenced',
  );
  expect((await call('POST', '/leadership/renew', {}, first)).body.code).toBe('leadership_lost');

  await call('PUT', '/logs/journal', {});
  await vi.waitFor(async () => expect((await call('POST', '/logs/journal/writer', {}, second)).status).toBe(200), {
    timeout: 60_000,
    interval: 500,
  });
  expect((await call('POST', '/logs/journal/writer', {})).body.code).toBe('election_lost');
  await fireSchedule(stack, /minute/);
  const { body: backup } = await call('POST', '/backups', { bypassDelegation: true, runAsync: false });
  await vi.waitFor(
    async () => expect((await call('GET', `/backups/${backup.backupId}`)).body.state).toBe('COMPLETED'),
    { timeout: 60_000, interval: 200 },
  );
  expect((await call('POST', '/leadership/revoke', { fencingVersion: 2, reason: hidden, force: true })).status).toBe(
    200,
  );

  const expected = {
    LeasesGranted: 'Count',
    LeadershipLost: 'Count',
    FencedWritesRefused: 'Count',
    CheckpointCommitTime: 'Milliseconds',
    RecoveryTime: 'Milliseconds',
    LogElectionsLost: 'Count',
    ReplicasNotVoting: 'Count',
    BackupCompleted: 'Count',
  };
  await vi.waitFor(
    async () => {
      const metrics = await emitted();
      for (const [name, Unit] of Object.entries(expected)) {
        const [one] = metrics.get(name) ?? [];
        expect(one?._aws.CloudWatchMetrics[0], name).toMatchObject({
          Namespace: 'Tenure',
          Metrics: [{ Name: name, Unit }],
        });
        expect(one?._aws.CloudWatchMetrics[0]?.Dimensions[0]).toEqual(['service']);
        expect(one?.service).toBe('dev');
      }
      const lost = (metrics.get('LeadershipLost') ?? []).filter(({ reason }) => reason === 'superseded');
      expect(lost[0]?._aws.CloudWatchMetrics[0]?.Dimensions).toEqual([['service'], ['service', 'reason']]);
    },
    { timeout: 60_000, interval: 200 },
  );

  const lines = [...(await output()).values()]
    .flatMap((text) => text.split('\n'))
    .filter((line) => line.includes(group));
  const renewals = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === renewal);
  const requestId = expect.stringMatching(/^[0-9a-f-]{36}$/);
  expect(renewals).toContainEqual(
    expect.objectContaining({ level: 'INFO', requestId, group, fencingVersion: 2, status: 200 }),
  );

  const secrets = [
    hidden,
    Buffer.from(hidden).toString('base64'),
    first['leader-session'] ?? '',
    second['leader-session'] ?? '',
  ];
  const logs = await output();
  expect(logs.size).toBeGreaterThan(5);
  for (const [file, text] of logs) {
    for (const secret of secrets) expect(text.includes(secret), `${file} has a secret`).toBe(false);
    expect(text, file).not.toMatch(/"taskToken"|X-Amz-Signature|"secret(Hash)?"/);
  }
});
