import { expect, test } from 'vitest';
import { cancelBackup } from '../../../api/operations/backups.ts';
import { backupTimes } from '../../support/backups/times.ts';
import { alive } from '../../support/processes.ts';
import { client, eventually, newGroup, signal } from '../leadership/tenure.ts';
import { begun, ended, filesOf, gate, meanwhile, start, startProcess, statusOf, taken, when } from './backups.ts';

const { answerMs, suspendMs } = backupTimes;

test.concurrent('a goodbye in the middle of a backup is noticed at once', async ({ onTestFinished }) => {
  const group = newGroup();
  const leaving = await startProcess({ onTestFinished }, group, 'leaving', 'half', 'hold');
  const { backupId } = await begun(group);
  await meanwhile(group, backupId, leaving.says('"at":"half"'));
  leaving.child.kill('SIGTERM');
  const status = await ended(group, backupId);
  expect(status.error).toEqual({ code: 'worker_lost', message: 'Worker "leaving" said goodbye' });
  signal(leaving.child.pid ?? 0, 'SIGUSR2');
  expect(await leaving.ended()).toBe(0);
  expect(leaving.output()).toContain('"type":"resumed"');
  await start({ onTestFinished }, group, 'next');
  expect(await taken(group)).toMatchObject({ state: 'COMPLETED', worker: 'next' });
});

test.concurrent('after a goodbye the next worker continues at once, before and after the acceptance', async ({
  onTestFinished,
}) => {
  const goodbyes = (['suspending', 'half'] as const).map(async (moment) => {
    const group = newGroup();
    const leaving = await startProcess({ onTestFinished }, group, 'leaving', moment, 'hold');
    const { backupId } = await begun(group, { redelegate: true, allowLeader: true });
    await meanwhile(group, backupId, leaving.says(`"at":"${moment}"`));
    leaving.child.kill('SIGTERM');
    const status = await ended(group, backupId);
    expect(status).toMatchObject({ state: 'COMPLETED', worker: 'built-in', attempt: 2 });
    const [refusal] = status.refusals;
    expect(refusal).toMatchObject({ worker: 'leaving', reason: expect.stringMatching(/said goodbye$/) });
    signal(leaving.child.pid ?? 0, 'SIGUSR2');
    expect(await leaving.ended()).toBe(0);
  });
  await Promise.all(goodbyes);
});

test.concurrent('a worker that was frozen past the abandon timeout is told superseded and changes nothing', async ({
  onTestFinished,
}) => {
  const group = newGroup();
  const frozen = await startProcess({ onTestFinished }, group, 'frozen', 'half', 'hold');
  const { backupId } = await begun(group, { redelegate: true });
  await meanwhile(group, backupId, frozen.says('"at":"half"'));
  signal(frozen.child.pid ?? 0, 'SIGSTOP');
  const middle = gate();
  onTestFinished(middle.open);
  const at = (moment: string) => (moment === 'half' ? middle.wait() : undefined);
  const next = await start({ onTestFinished }, group, 'next', { at });
  const before = await when(group, backupId, ({ state, attempt }) => state === 'RUNNING' && attempt === 2);
  await middle.reached;

  signal(frozen.child.pid ?? 0, 'SIGCONT');
  signal(frozen.child.pid ?? 0, 'SIGUSR2');
  await frozen.says('"why":"superseded"');
  await frozen.says('"type":"resumed"');
  const { phases: _, ...unchanged } = before;
  expect(await statusOf(group, backupId)).toMatchObject(unchanged);
  middle.open();
  await next.event('finished');
  expect(await ended(group, backupId)).toMatchObject({ state: 'COMPLETED', worker: 'next', attempt: 2 });
  await eventually('the files of the frozen attempt are gone', async () =>
    (await filesOf(group, backupId)).every((name) => name.startsWith('2/')),
  );
  expect(alive([frozen.child.pid ?? 0])).toHaveLength(1);
});

test.concurrent('a worker that thaws just before its finish, after its backup has ended, finishes nothing', async ({
  onTestFinished,
}) => {
  const group = newGroup();
  const frozen = await startProcess({ onTestFinished }, group, 'frozen', 'finishing', 'hold');
  const { backupId } = await begun(group);
  await meanwhile(group, backupId, frozen.says('"at":"finishing"'));
  signal(frozen.child.pid ?? 0, 'SIGSTOP');
  const failed = await ended(group, backupId);
  expect(failed.error).toMatchObject({ code: 'backup_timed_out' });
  signal(frozen.child.pid ?? 0, 'SIGUSR2');
  signal(frozen.child.pid ?? 0, 'SIGCONT');
  await frozen.says('"why":"superseded"');
  expect(await statusOf(group, backupId)).toEqual(failed);
  await eventually('its files are gone', async () => (await filesOf(group, backupId)).length === 0);
});

test.concurrent('a suspended worker that hears nothing any more resumes by itself', async ({ onTestFinished }) => {
  const group = newGroup();
  const cutOff = gate();
  const lonely = await start({ onTestFinished }, group, 'lonely', {
    async at(moment) {
      if (moment !== 'suspended' && moment !== 'offered') return;
      await cutOff.wait();
    },
  });
  onTestFinished(cutOff.open);
  // The worker's own timer starts later than this.
  const begunAt = Date.now();
  const { backupId } = await begun(group);
  await cutOff.reached;
  const status = await ended(group, backupId);
  expect(status).toMatchObject({ state: 'FAILED', error: { code: 'no_worker_accepted' } });
  expect(status.refusals).toEqual([{ worker: 'lonely', reason: `did not answer within ${answerMs} ms` }]);
  await lonely.event('resumed');
  expect(Date.now() - begunAt).toBeGreaterThan(suspendMs - 10);
  cutOff.open();
});

test.concurrent('a cancellation is heard through the verdict, and while the worker is suspended', async ({
  onTestFinished,
}) => {
  const cancellations = (['half', 'suspended'] as const).map(async (moment) => {
    const group = newGroup();
    const held = gate();
    onTestFinished(held.open);
    const at = (reached: string) => (reached === moment ? held.wait() : undefined);
    const worker = await start({ onTestFinished }, group, 'worker', { at });
    const { backupId } = await begun(group, { redelegate: true });
    await meanwhile(group, backupId, held.reached);
    const params = { group, backup: backupId };
    const cancelled = await client().call(cancelBackup, { params });
    expect(cancelled).toMatchObject({ state: 'FAILED', error: { code: 'cancelled' } });
    if (moment === 'half') expect(await worker.event('ended')).toMatchObject({ backupId, why: 'cancelled' });
    held.open();
    await worker.event('resumed');
    expect(await statusOf(group, backupId)).toEqual(cancelled);
    expect(await taken(group)).toMatchObject({ state: 'COMPLETED', worker: 'worker' });
  });
  await Promise.all(cancellations);
});
