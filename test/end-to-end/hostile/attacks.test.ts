import { expect, inject, test } from 'vitest';
import { finishAttempt } from '../../../api/operations/workers.ts';
import { begun, ended, filesOf } from '../backups/backups.ts';
import { client, ledGroup, newGroup } from '../leadership/tenure.ts';
import { hostileWorker } from './worker.ts';

const digest = 'a'.repeat(64);

const isFinish = (url: URL) => url.pathname.endsWith('/finish');

test.concurrent('a worker that reports an archive which it never wrote completes no backup', async ({
  onTestFinished,
}) => {
  const group = await ledGroup();
  let refusals = 0;
  await hostileWorker({ onTestFinished }, group, async (url, init) => {
    if (!url.pathname.endsWith('/entries')) return init;
    // Instead of reading what it is to save it says at once that all is saved.
    const finish = new URL(url.pathname.replace(/entries$/, 'finish'), url);
    const prefix = `s3://${inject('stack').bucket}/backups/${group}/`;
    const body = JSON.stringify({ uri: prefix, entryCount: 1, bytes: 10, manifestSha256: digest });
    const headers = { ...(init.headers as Record<string, string>), 'content-type': 'application/json' };
    await fetch(finish, { method: 'POST', headers, body });
    refusals += 1;
    return new Response('{}', { status: 500 });
  });
  const { backupId } = await begun(group);
  const status = await ended(group, backupId);
  expect(refusals).toBeGreaterThan(0);
  expect(status).toMatchObject({ state: 'FAILED', worker: 'hostile' });
});

/** The worker's report of the end, with this in it. */
const lying = (lie: object) => async (url: URL, init: RequestInit) =>
  isFinish(url) ? { ...init, body: JSON.stringify({ ...JSON.parse(String(init.body)), ...lie }) } : init;

test.concurrent('a worker that reports another manifest than it wrote completes no backup', async ({
  onTestFinished,
}) => {
  const group = await ledGroup();
  await hostileWorker({ onTestFinished }, group, lying({ manifestSha256: digest }));
  const { backupId } = await begun(group);
  expect(await ended(group, backupId)).toMatchObject({ state: 'FAILED', worker: 'hostile' });
});

test.concurrent("a worker's report of its archive is not believed: the backup says what was verified", async ({
  onTestFinished,
}) => {
  const group = await ledGroup();
  await hostileWorker({ onTestFinished }, group, lying({ entryCount: 1_000, bytes: 1 }));
  const { backupId } = await begun(group);
  const { state, entryCount, bytes } = await ended(group, backupId);
  expect({ state, entryCount }).toEqual({ state: 'COMPLETED', entryCount: 1 });
  expect(bytes).toBeGreaterThan(1);
});

test.concurrent("a worker's role without the secret of an attempt neither finishes nor reads it", async ({
  onTestFinished,
}) => {
  const group = await ledGroup();
  let robbed: unknown;
  await hostileWorker({ onTestFinished }, group, async (url, init) => {
    const [, backup = '', attempt = ''] = /\/backups\/([^/]+)\/attempts\/(\d+)\/finish$/.exec(url.pathname) ?? [];
    if (!backup || robbed) return init;
    const params = { group, backup, attempt };
    const body = { uri: 's3://elsewhere/', entryCount: 0, bytes: 0, manifestSha256: digest };
    robbed = await client()
      .call(finishAttempt, { params, headers: { 'Attempt-Secret': 'guessed-by-a-thief' }, body })
      .catch((error: unknown) => error);
    return init;
  });
  const { backupId } = await begun(group);
  // The robbery changed nothing: the attempt ends as its own worker reports.
  expect(await ended(group, backupId)).toMatchObject({ state: 'COMPLETED', worker: 'hostile' });
  expect(robbed).toEqual({ verdict: 'superseded' });
  expect(await filesOf(group, backupId)).toContain('1/manifest.json');
});

test.concurrent('the session of a live leader, given as the id of a restore, ends no term', async () => {
  const group = newGroup();
  const fence = await client().contend(group, { contenderId: 'leader', leaseMs: 600_000 });
  await client().confirm(group, fence, { address: 'here:1' });
  for (const what of ['', '/abandon']) {
    const url = `${inject('stack').api}/v1/groups/${group}/restores/${fence.sessionId}${what}`;
    const init = what ? { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' } : {};
    const answer = await fetch(url, init);
    expect([answer.status, await answer.json()]).toMatchObject([404, { code: 'not_found' }]);
  }
  await expect(client().renew(group, fence, {})).resolves.toHaveProperty('expiresAt');
  const restore = await fetch(`${inject('stack').api}/v1/groups/${group}/restore`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': fence.sessionId },
    body: JSON.stringify({ uri: `s3://${inject('stack').bucket}/backups/${group}/x/1/` }),
  });
  expect([403, 404, 409]).toContain(restore.status);
  const seen = await client().observe(group, { consistent: true });
  expect(seen.leader).toMatchObject({ sessionId: fence.sessionId });
});
