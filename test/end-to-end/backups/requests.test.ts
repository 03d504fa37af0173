import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { ledGroup } from '../leadership/tenure.ts';
import { begun, ended, filesOf, gate, meanwhile, type Status, start, taken } from './backups.ts';

interface Answer {
  status: number;
  body: Status & Record<string, unknown>;
}

/** As any program would ask. */
async function post(path: string, body: object, key: string = randomUUID()): Promise<Answer> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const answer = await fetch(`${inject('stack').api}/v1/groups/${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

test.concurrent('without a worker a backup is refused, and with allowLeader the built-in one takes it', async () => {
  const group = await ledGroup();
  const { status, body } = await post(`${group}/backups`, {});
  expect({ status, ...body }).toMatchObject({ status: 412, code: 'no_worker', type: 'urn:tenure:no_worker' });
  const local = await taken(group, { allowLeader: true });
  expect(local).toMatchObject({ state: 'COMPLETED', worker: 'built-in', refusals: [] });
  expect(await filesOf(group, local.backupId)).toContain('1/manifest.json');
});

test.concurrent('when all refuse, the backup fails with every reason, and with allowLeader the built-in worker takes it', async ({
  onTestFinished,
}) => {
  const group = await ledGroup();
  for (const id of ['one', 'other']) {
    const at = () => Promise.reject(new Error(`${id} replays its log`));
    await start({ onTestFinished }, group, id, { at });
  }
  const failed = await taken(group);
  expect(failed).toMatchObject({ state: 'FAILED', error: { code: 'no_worker_accepted' } });
  const reasons = expect.arrayContaining([
    { worker: 'one', reason: 'one replays its log' },
    { worker: 'other', reason: 'other replays its log' },
  ]);
  expect(failed.refusals).toEqual(reasons);
  for (const id of ['one', 'other']) expect(failed.error?.message).toContain(`${id}: ${id} replays its log`);
  const local = await taken(group, { allowLeader: true });
  expect(local).toMatchObject({ state: 'COMPLETED', worker: 'built-in', attempt: 3, refusals: reasons });
});

test.concurrent('of a group one backup is in progress: others are told its id, the same request gets it again', async ({
  onTestFinished,
}) => {
  const group = await ledGroup();
  const held = gate();
  onTestFinished(held.open);
  await start({ onTestFinished }, group, 'worker', { at: (moment) => moment === 'half' && held.wait() });
  const key = randomUUID();
  const requests = Array.from({ length: 8 }, (_, at) => post(`${group}/backups`, {}, at < 2 ? key : randomUUID()));
  const answers = await Promise.all(requests);
  const taking = answers.find(({ status }) => status === 202);
  const backupId = taking?.body.backupId ?? '';
  for (const { status, body } of answers.filter((one) => one.status !== 202)) {
    expect({ status, ...body }).toMatchObject({ status: 409, code: 'backup_in_progress', backupId });
  }
  for (const { body } of answers.filter(({ status }) => status === 202)) expect(body.backupId).toBe(backupId);
  await meanwhile(group, backupId, held.reached);
  const again = await post(`${group}/backups`, { redelegate: true }, randomUUID());
  expect(again).toMatchObject({ status: 409, body: { backupId } });
  const removed = await fetch(`${inject('stack').api}/v1/groups/${group}/backups/${backupId}`, { method: 'DELETE' });
  expect([removed.status, await removed.json()]).toMatchObject([409, { code: 'backup_running' }]);
  held.open();
  expect(await ended(group, backupId)).toMatchObject({ state: 'COMPLETED', attempt: 1 });
});

test.concurrent('the same key gets the same backup, also after its end', async () => {
  const group = await ledGroup();
  const key = randomUUID();
  const first = await post(`${group}/backups`, { bypassDelegation: true }, key);
  expect(first.status).toBe(202);
  const done = await ended(group, first.body.backupId);
  expect(await post(`${group}/backups`, { bypassDelegation: true }, key)).toEqual({ status: 200, body: done });
});

test.concurrent('runAsync false waits for the end, at most 25 s', async ({ onTestFinished }) => {
  const [quick, slow] = [await ledGroup(), await ledGroup()];
  const done = await post(`${quick}/backups`, { runAsync: false, bypassDelegation: true });
  expect(done).toMatchObject({ status: 200, body: { state: 'COMPLETED' } });
  const held = gate();
  onTestFinished(held.open);
  await start({ onTestFinished }, slow, 'worker', { at: (moment) => moment === 'half' && held.wait() });
  const startedAt = Date.now();
  const waited = await post(`${slow}/backups`, { runAsync: false });
  expect(waited).toMatchObject({ status: 202, body: { state: 'RUNNING', worker: 'worker' } });
  expect(Date.now() - startedAt).toBeGreaterThan(24_000);
  held.open();
  expect(await ended(slow, waited.body.backupId)).toMatchObject({ state: 'COMPLETED' });
});

test.concurrent('an explanation says who would be chosen and begins nothing', async ({ onTestFinished }) => {
  const group = await ledGroup();
  await start({ onTestFinished }, group, 'worker');
  const explained = await post(`${group}/backups`, { explain: true });
  expect(explained).toMatchObject({
    status: 200,
    body: { explain: true, candidates: [{ worker: 'worker', chosen: true, why: 'present' }], positions: {} },
  });
  const { backupId, attempt } = await begun(group);
  expect(attempt).toBe(0);
  await ended(group, backupId);
});
