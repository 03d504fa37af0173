import { expect, inject, test } from 'vitest';
import { createBackup, listBackups } from '../../../api/operations/backups.ts';
import { terms } from '../../../api/operations/leadership.ts';
import { JobRegistry, ReplicatedLog, TenureClient, termFromEnvironment } from '../../../client/index.ts';
import { client, newGroup } from '../leadership/tenure.ts';
import { textOf } from '../log/logs.ts';

/**
 * The fate of the first tries: the function ran and the connection broke or the gateway answered; or the function never
 * ran.
 */
const faults = ['0;after', '503;after', '0', '429'];

/** A client that is unlucky with each kind of write as often as there are faults; `tries` counts them. */
function unlucky() {
  const { api } = inject('stack');
  const tries = new Map<string, number>();
  const fetch: typeof globalThis.fetch = (input, init = {}) => {
    if (!String(input).startsWith(api) || init.method === 'GET') return globalThis.fetch(input, init);
    const kind = `${init.method} ${new URL(String(input)).pathname.split('/').slice(4).join('/')}`;
    const before = tries.get(kind) ?? 0;
    tries.set(kind, before + 1);
    const fault = faults[before];
    const headers = { ...(init.headers as Record<string, string>), ...(fault && { 'tenure-inject': fault }) };
    return globalThis.fetch(input, { ...init, headers });
  };
  return { client: new TenureClient({ url: api, fetch, random: () => 0 }), tries };
}

test('every kind of write has one effect, whatever the gateway does to its first tries', async () => {
  const group = newGroup();
  const { client: unfortunate, tries } = unlucky();

  const fence = await unfortunate.contend(group, { contenderId: 'unlucky', leaseMs: 600_000 });
  await unfortunate.confirm(group, fence, { address: 'here' });
  const { expiresAt } = await unfortunate.renew(group, fence, { leaseMs: 900_000 });
  const seen = await client().observe(group, { consistent: true });
  expect(seen).toMatchObject({ fencingVersion: 1, leader: { sessionId: fence.sessionId, address: 'here', expiresAt } });

  const term = termFromEnvironment({
    TENURE_GROUP: group,
    TENURE_FENCING_VERSION: String(fence.fencingVersion),
    TENURE_SESSION_ID: fence.sessionId,
  });
  const registry = new JobRegistry({ client: unfortunate, term });
  const checkpoints = await registry.submit('nightly', 'the graph', { retain: 3 });
  expect(await checkpoints.add('the state '.repeat(20_000))).toEqual({ checkpointId: 1, retained: [1] });
  expect(await registry.show('nightly')).toMatchObject({
    state: 'ACTIVE',
    checkpoints: [{ checkpointId: 1 }],
    nextCheckpointId: 2,
  });
  await registry.finish('nightly', 'succeeded');

  const log = new ReplicatedLog({ client: unfortunate, group, log: 'journal' });
  await log.create();
  const { first, last } = await log.writer({ term }).append(['one', 'two']);
  const entries: [number, string][] = [];
  for await (const entry of log.read()) entries.push([entry.position, textOf(entry)]);
  expect(entries).toEqual([
    [first, 'one'],
    [last, 'two'],
  ]);

  const begun = await unfortunate.call(createBackup, { params: { group }, body: { bypassDelegation: true } });
  const { items } = await client().call(listBackups, { params: { group }, query: {} });
  expect(items).toMatchObject([{ backupId: 'backupId' in begun && begun.backupId }]);

  await unfortunate.resign(group, fence);
  const ended = await client().call(terms, { params: { group }, query: {} });
  expect(ended.items).toMatchObject([{ fencingVersion: 1, endReason: 'resigned' }]);
  const kinds = [
    'POST leadership/contend',
    'POST leadership/confirm',
    'POST leadership/renew',
    'PUT jobs/nightly',
    'POST jobs/nightly/uploads',
    'POST jobs/nightly/checkpoints',
    'POST jobs/nightly/finish',
    'PUT logs/journal',
    'POST logs/journal/writer',
    'POST logs/journal/entries',
    'POST backups',
    'POST leadership/resign',
  ];
  expect([...tries.keys()]).toEqual(kinds);
  expect([...tries].filter(([, count]) => count <= faults.length)).toEqual([]);
});
