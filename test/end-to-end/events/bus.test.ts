import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { fireSchedule, type RunningStack, startStack } from '../../support/stack.ts';
import { delivered, failures, logged, whenDelivered } from './delivered.ts';

const group = 'orders';
let folder: string;
let stack: RunningStack;
let fence: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenure-events-'));
  stack = await startStack({ data: folder, schedules: false, env: { TENURE_EVENT_BUS: 'not-there' } });
});
afterAll(async () => {
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: object) {
  const answer = await fetch(`${stack.api}/v1/groups/${group}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...fence },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  expect(answer.status, `${method} ${path}: ${text}`).toBeLessThan(300);
  return JSON.parse(text);
}

async function lead(contenderId: string) {
  const { fencingVersion, sessionId } = await call('POST', '/leadership/contend', { contenderId, leaseMs: 600_000 });
  fence = { 'fencing-version': String(fencingVersion), 'leader-session': sessionId };
  await call('POST', '/leadership/confirm', { address: `${contenderId}:1`, metadata: { note: 'hidden' } });
}

const submit = (job: string) =>
  call('PUT', `/jobs/${job}`, { graph: { inline: Buffer.from('graph').toString('base64') } });

async function commit(job: string) {
  const bytes = 'state';
  const sha256 = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(bytes))).toString('hex');
  const promised = { purpose: 'checkpoint', bytes: bytes.length, sha256 };
  const { uploadId, url, headers } = await call('POST', `/jobs/${job}/uploads`, promised);
  expect((await fetch(url, { method: 'PUT', headers, body: bytes })).status).toBe(200);
  await call('POST', `/jobs/${job}/checkpoints`, { uploadId });
}

/** The function's log of its calls, once they cover so many events that the bus accepted. */
async function published(count: number) {
  return vi.waitFor(
    async () => {
      const calls = await logged(stack, 'published');
      const taken = calls.reduce((sum, { records, again }) => sum + Number(records) - Number(again), 0);
      expect(taken).toBeGreaterThanOrEqual(count);
      return calls;
    },
    { timeout: 30_000, interval: 50 },
  );
}

test('an event that the bus refused arrives once it accepts, although everything was killed meanwhile', async () => {
  await lead('a');
  await submit('billing');
  await vi.waitFor(
    async () => expect((await logged(stack, 'The event bus refused an event')).length).toBeGreaterThan(2),
    {
      timeout: 60_000,
      interval: 100,
    },
  );
  expect(await delivered(stack)).toEqual([]);
  await stack.kill();
  stack = await startStack({ data: folder, schedules: false });
  const events = await whenDelivered(stack, group, 'Leadership Confirmed', 'Job Submitted');
  expect(events.map(({ type }) => type)).toEqual(['Leadership Confirmed', 'Job Submitted']);
});

test('25 renewals call no function; the next event does, once', async () => {
  // The function's line follows its events, so those of the two events before may still be on their way.
  const before = await published(2);
  for (let renewals = 0; renewals < 25; renewals += 1) await call('POST', '/leadership/renew', { address: 'a:2' });
  await commit('billing');
  await whenDelivered(stack, group, 'Checkpoint Committed');
  const after = await published(3);
  expect(after.slice(before.length)).toMatchObject([{ records: 1, again: 0 }]);
});

test('a record of which no event can be made is set aside and holds up no other', async () => {
  const dynamodb = new DynamoDBClient({
    endpoint: stack.dynamodb,
    region: stack.region,
    credentials: stack.credentials,
  });
  const Item = { pk: { S: `GROUP#${group}` }, sk: { S: 'JOB#odd' }, state: { S: 'ACTIVE' }, retain: { S: 'hidden' } };
  await dynamodb.send(new PutItemCommand({ TableName: stack.table, Item }));
  await call('POST', '/jobs/billing/finish', { result: 'succeeded' });
  await whenDelivered(stack, group, 'Job Finished');
  // It is set aside once it was tried again, which no other record waits for.
  await vi.waitFor(async () => expect(await failures(stack)).toHaveLength(1), { timeout: 60_000, interval: 100 });
  const [message] = await failures(stack);
  expect(message).toMatchObject({ pk: `GROUP#${group}`, sk: 'JOB#odd', reason: expect.stringContaining('malformed') });
  expect(JSON.stringify(message)).not.toContain('hidden');
  await vi.waitFor(async () => expect(await logged(stack, 'Moved a change to the dead-letter queue')).toHaveLength(1), {
    timeout: 60_000,
    interval: 100,
  });
});

test('logs, backups and the end of a term are told too, and the sequence puts all of the group in order', async () => {
  await call('PUT', '/logs/journal', {});
  await vi.waitFor(
    async () => {
      await fireSchedule(stack, /minute/);
      const voting = (await delivered(stack, group)).filter(({ detail }) => detail['status'] === 'VOTING');
      expect(new Set(voting.map(({ detail }) => detail['replica']))).toEqual(new Set(['1', '2', '3']));
    },
    { timeout: 60_000, interval: 1_000 },
  );
  await call('POST', '/backups', { bypassDelegation: true });
  await whenDelivered(stack, group, 'Backup Finished');
  await call('POST', '/leadership/resign', {});
  await whenDelivered(stack, group, 'Leadership Ended');
  fence = {};
  await lead('b');
  await vi.waitFor(
    async () =>
      expect((await delivered(stack, group)).filter(({ detail }) => detail['fencingVersion'] === 2)).toHaveLength(1),
    { timeout: 60_000, interval: 100 },
  );
  const events = await delivered(stack, group);
  const ordered = events.toSorted((one, other) => (one.detail.sequence < other.detail.sequence ? -1 : 1));
  expect(ordered.map(({ type }) => type).filter((type) => type !== 'Replica Status Changed')).toEqual([
    'Leadership Confirmed',
    'Job Submitted',
    'Checkpoint Committed',
    'Job Finished',
    'Backup Finished',
    'Leadership Ended',
    'Leadership Confirmed',
  ]);
  expect(new Set(events.map(({ detail }) => detail.id)).size).toBe(events.length);
  expect(JSON.stringify(events)).not.toContain('hidden');
});

test('delivered a second time, each event has the id, the sequence and the members that it had', async () => {
  const first = await delivered(stack);
  await stack.stop();
  await rm(join(folder, 'streams'), { recursive: true });
  stack = await startStack({ data: folder, schedules: false });
  await vi.waitFor(async () => expect((await delivered(stack)).length).toBeGreaterThanOrEqual(2 * first.length), {
    timeout: 60_000,
    interval: 100,
  });
  const again = (await delivered(stack)).slice(first.length);
  const byId = (events: typeof first) => Object.fromEntries(events.map((event) => [event.detail.id, event]));
  expect(byId(again)).toEqual(byId(first));
});
