import { describe, expect, test } from 'vitest';
import { finish, giveUp, heartbeat, requireCurrent } from '../../../functions/backups/attempt/attempts.ts';
import { cleanUp, fail, lose, verify, work } from '../../../functions/backups/attempt/conclusion.ts';
import { choose } from '../../../functions/backups/attempt/delegation.ts';
import { endBackup } from '../../../functions/backups/records.ts';
import { cancel, remove } from '../../../functions/backups/requests.ts';
import { goodbye } from '../../../functions/backups/worker/workers.ts';
import { problemOf } from '../leadership/room.ts';
import { finished, group, openBackups, progress } from './world.ts';

const silent = { Error: 'States.HeartbeatTimeout' };

async function running(more = {}) {
  const world = await openBackups();
  await world.register('w1');
  const { worker, secret, ...name } = await world.accepted(more);
  world.workflow.reports.length = 0;
  return { ...world, name, secret, worker };
}

describe('heartbeats', () => {
  test('go into the record and keep the task alive; a number that does not rise changes nothing', async () => {
    const { room, name, secret, record, workflow, clock } = await running();
    expect(await heartbeat(room, name, secret, progress(2))).toBe('continue');
    clock.time += 5_000;
    expect(await heartbeat(room, name, secret, progress(1))).toBe('continue');
    expect(await record(name.backupId)).toMatchObject({ state: 'RUNNING', sequence: 2, entryCount: 2, bytes: 20 });
    expect((await record(name.backupId)).lastSignAt).toBe(clock.time - 5_000);
    expect(workflow.reports).toEqual([
      ['heartbeat', 'run-1'],
      ['heartbeat', 'run-1'],
    ]);
  });

  test('of another secret or attempt are told superseded and reach nothing', async () => {
    const { room, name, secret, record, workflow } = await running();
    const before = await record(name.backupId);
    expect(await heartbeat(room, name, `${secret}x`, progress(1))).toBe('superseded');
    expect(await heartbeat(room, { ...name, attempt: 2 }, secret, progress(1))).toBe('superseded');
    expect(await record(name.backupId)).toEqual(before);
    expect(workflow.reports).toEqual([]);
  });

  test('of a backup that is not there are not_found', async () => {
    const { room, name, secret } = await running();
    const other = { ...name, backupId: '0197b0f0-0000-7000-8000-000000000000' };
    expect(await problemOf(heartbeat(room, other, secret, progress(1)))).toMatchObject({ code: 'not_found' });
  });
});

describe('a finish', () => {
  test('moves to VERIFYING and completes the task; only the verification completes the backup', async () => {
    const { room, name, secret, record, workflow } = await running();
    expect(await finish(room, name, secret, finished)).toBe('continue');
    expect(await finish(room, name, secret, { ...finished, entryCount: 99 })).toBe('continue');
    const uri = `s3://bucket/backups/${group}/${name.backupId}/1/`;
    expect(await record(name.backupId)).toMatchObject({ state: 'VERIFYING', entryCount: 7, uri });
    expect(workflow.reports).toEqual([
      ['succeed', 'run-1', {}],
      ['succeed', 'run-1', {}],
    ]);
    expect(await verify(room, name, '', 1_000)).toEqual({ next: 'ended', cursor: '' });
    expect(await record(name.backupId)).toMatchObject({ state: 'COMPLETED', entryCount: 5, bytes: 50 });
    expect(await finish(room, name, secret, finished)).toBe('continue');
  });

  test('keeps the address that a worker with its own disk gives', async () => {
    const { room, name, secret, record } = await running({ localFileSystem: true });
    await finish(room, name, secret, { ...finished, uri: 'file://host/var/backup/' });
    expect((await record(name.backupId)).uri).toBe('file://host/var/backup/');
  });

  test('that was recorded just before the time was over counts', async () => {
    for (const redelegate of [false, true]) {
      const { room, name, secret } = await running({ redelegate });
      await finish(room, name, secret, finished);
      expect(await lose(room, name, silent)).toEqual({ next: 'verify' });
    }
  });

  test('after the backup timed out is told superseded, and its files are collected', async () => {
    const { room, name, secret, record, played } = await running();
    expect(await lose(room, name, silent)).toEqual({ next: 'ended' });
    const ended = await record(name.backupId);
    expect(ended).toMatchObject({ state: 'FAILED', error: { code: 'backup_timed_out' } });
    expect(await finish(room, name, secret, finished)).toBe('superseded');
    expect(played.discarded).toEqual([1]);
    expect(await record(name.backupId)).toEqual(ended);
  });

  test('with a wrong secret discards nothing, whatever became of the backup', async () => {
    const { room, name, secret, played } = await running();
    const withWrongSecret = () => finish(room, name, `${secret}x`, finished);
    expect(await withWrongSecret()).toBe('superseded');
    expect(await finish(room, { ...name, attempt: 2 }, secret, finished)).toBe('superseded');
    await finish(room, name, secret, finished);
    await withWrongSecret();
    await verify(room, name, '', 1_000);
    expect(await withWrongSecret()).toBe('superseded');

    const failed = await running();
    await cancel(failed.room, failed.name);
    await finish(failed.room, failed.name, `${failed.secret}x`, finished);
    expect([...played.discarded, ...failed.played.discarded]).toEqual([]);
    await finish(failed.room, failed.name, failed.secret, finished);
    expect(failed.played.discarded).toEqual([1]);
  });

  test('of the attempt of the built-in worker, which has no secret, discards nothing', async () => {
    const { room, begin, played } = await openBackups();
    const begun = await begin({ bypassDelegation: true });
    const name = { ...begun, ...(await choose(room, begun)) };
    expect(await finish(room, name, 'any', finished)).toBe('superseded');
    await work(room, name, 1_000);
    await verify(room, name, '', 1_000);
    expect(await finish(room, name, 'any', finished)).toBe('superseded');
    expect(played.discarded).toEqual([]);
  });

  test('that can no longer be proven has its files collected once the backup has failed', async () => {
    const { room, name, secret, played } = await running({ redelegate: true });
    await lose(room, name, silent);
    await fail(room, name, { Error: 'States.Runtime' });
    expect(await finish(room, name, secret, finished)).toBe('superseded');
    expect(played.discarded).toEqual([1]);
  });

  test('with files that are damaged, or more of them than one look takes, is settled accordingly', async () => {
    const { room, name, secret, record, played } = await running();
    await finish(room, name, secret, finished);
    played.verification = { kind: 'more', cursor: 'file 7' };
    expect(await verify(room, name, '', 1_000)).toEqual({ next: 'again', cursor: 'file 7' });
    played.verification = { kind: 'damaged', why: 'entries-00001.ndjson.gz is missing' };
    await verify(room, name, 'file 7', 1_000);
    const error = { code: 'backup_damaged', message: 'entries-00001.ndjson.gz is missing' };
    expect(await record(name.backupId)).toMatchObject({ state: 'FAILED', error });
  });
});

describe('an attempt that is lost', () => {
  test('goes to the next worker when it may be redelegated; the old one is superseded at once', async () => {
    const world = await openBackups();
    await world.register('w1', 'w2');
    const first = await world.accepted({ redelegate: true });
    expect(await lose(world.room, first, silent)).toEqual({ next: 'choose' });
    expect(await lose(world.room, first, silent)).toEqual({ next: 'choose' });
    expect(await heartbeat(world.room, first, first.secret, progress(1))).toBe('superseded');
    const second = await world.delegated(first.backupId);
    expect(second).toMatchObject({ attempt: 2, worker: first.worker === 'w1' ? 'w2' : 'w1' });
    expect(await heartbeat(world.room, second, second.secret, progress(1))).toBe('continue');
    expect(await finish(world.room, first, first.secret, finished)).toBe('superseded');
    expect(world.played.discarded).toEqual([1]);
    const record = await world.record(first.backupId);
    expect(record.refusals).toEqual([
      {
        worker: first.worker,
        reason: expect.stringMatching(/^backup_timed_out: .* sent no heartbeat for 60 s \(attempt 1,/),
      },
    ]);
    expect(record).toMatchObject({ state: 'RUNNING', attempt: 2, sequence: 1 });
  });

  test.each([
    [{ Error: 'WorkerLost', Cause: 'said goodbye' }, 'worker_lost'],
    [{ Error: 'States.Timeout' }, 'backup_timed_out'],
    [{ Error: 'TypeError', Cause: '{"errorType":"TypeError","errorMessage":"x is not a function"}' }, 'internal'],
  ])('fails by the reason: %o', async (error, code) => {
    const { room, name, record } = await running();
    await lose(room, name, error);
    expect(await record(name.backupId)).toMatchObject({ state: 'FAILED', error: { code } });
  });

  test('fails with what the worker gave up with', async () => {
    const { room, name, secret, record, workflow } = await running();
    expect(await giveUp(room, name, secret, { code: 'disk_full', message: 'no space left' })).toBe('continue');
    expect(await giveUp(room, name, secret, { code: 'other', message: 'too late' })).toBe('continue');
    expect(workflow.reports[0]).toEqual(['fail', 'run-1', 'GaveUp', 'no space left']);
    await lose(room, name, { Error: 'GaveUp', Cause: 'no space left' });
    expect((await record(name.backupId)).error).toEqual({ code: 'disk_full', message: 'no space left' });
  });

  test('may not read or write files any more', async () => {
    const { room, name, secret } = await running();
    expect(await requireCurrent(room, name, secret)).toMatchObject({ attempt: 1 });
    await lose(room, name, silent);
    expect(await problemOf(requireCurrent(room, name, secret))).toMatchObject({
      code: 'attempt_superseded',
      members: { verdict: 'superseded' },
    });
  });
});

describe('settling', () => {
  test('exactly one of many wins, and what it wrote stays', async () => {
    const { room, name, secret, record } = await running();
    await finish(room, name, secret, finished);
    const failure = (code: string) => ({ code, message: code });
    const outcomes = await Promise.all([
      endBackup(room, name, 'COMPLETED'),
      endBackup(room, name, failure('cancelled')),
      endBackup(room, name, failure('backup_timed_out')),
      fail(room, name, { Error: 'Any' }).then(() => record(name.backupId)),
      endBackup(room, name, failure('workflow_ended')),
    ]);
    const final = await record(name.backupId);
    for (const outcome of outcomes) expect(outcome).toEqual(final);
    expect(await room.store.readRunning(group)).toBeUndefined();
  });

  test('whose answer is lost, or that meets a transaction conflict, is settled all the same', async () => {
    for (const fault of ['answer lost', 'transaction conflict', 'duplicate', 'crash after'] as const) {
      const { room, name, faults, record } = await running();
      faults.once(fault, 'TransactWriteItemsCommand');
      const silence = { code: 'backup_timed_out', message: 'silence' };
      const outcome = await endBackup(room, name, silence).catch((error: Error) => error.name);
      expect(outcome).toEqual(fault === 'crash after' ? 'CrashedError' : expect.objectContaining({ error: silence }));
      faults.revive();
      await endBackup(room, name, { code: 'internal', message: 'a second try' });
      expect(await record(name.backupId)).toMatchObject({ state: 'FAILED', error: { code: 'backup_timed_out' } });
      expect(await room.store.readRunning(group)).toBeUndefined();
    }
  });

  test('a cancelled backup ends its task; its worker is told at its next heartbeat, and again when asked', async () => {
    const { room, name, secret, workflow } = await running();
    expect((await cancel(room, name)).error?.code).toBe('cancelled');
    expect(workflow.reports).toContainEqual(['fail', 'run-1', 'Superseded', 'cancelled']);
    expect((await cancel(room, name)).state).toBe('FAILED');
    expect(await heartbeat(room, name, secret, progress(1))).toBe('cancelled');
    expect(await finish(room, name, secret, finished)).toBe('cancelled');
    expect(await lose(room, name, { Error: 'Superseded' })).toEqual({ next: 'ended' });
  });

  test('a backup that ended otherwise cannot be cancelled', async () => {
    const { room, name } = await running();
    await lose(room, name, silent);
    expect(await problemOf(cancel(room, name))).toMatchObject({ code: 'backup_final', members: { state: 'FAILED' } });
  });

  test('a goodbye after the finish changes nothing', async () => {
    const { room, name, secret, worker, record, workflow } = await running();
    await finish(room, name, secret, finished);
    workflow.reports.length = 0;
    await goodbye(room, { group, worker });
    expect(workflow.reports).toEqual([]);
    expect((await record(name.backupId)).gaveUp).toBeUndefined();
  });
});

describe('the built-in worker', () => {
  test('hears from its reports whether it still counts, and its finish leads to the verification', async () => {
    const world = await openBackups();
    const begun = await world.begin({ bypassDelegation: true });
    const { attempt } = await choose(world.room, begun);
    const name = { ...begun, attempt };
    const verdicts: string[] = [];
    const slice = { state: 'RUNNING', entryCount: 3, bytes: 30 } as const;
    world.room.archives.work = async (_record, { report }) => {
      verdicts.push(await report(slice), await report(slice));
      return { kind: 'more' };
    };
    expect(await work(world.room, name, 1_000)).toEqual({ next: 'again' });
    expect(await world.record(begun.backupId)).toMatchObject({ state: 'RUNNING', sequence: 2, entryCount: 3 });
    world.room.archives.work = async (_record, { report }) => {
      verdicts.push(await report(slice));
      await cancel(world.room, begun);
      verdicts.push(await report(slice));
      return { kind: 'more' };
    };
    expect(await work(world.room, name, 1_000)).toEqual({ next: 'again' });
    expect(verdicts).toEqual(['continue', 'continue', 'continue', 'cancelled']);
    await expect(work(world.room, name, 1_000)).rejects.toMatchObject({ name: 'Superseded' });
  });
});

test('a call of the built-in worker that is repeated after its finish was recorded writes no second manifest', async () => {
  const { room, begin, record } = await openBackups();
  const begun = await begin({ bypassDelegation: true });
  const name = { ...begun, ...(await choose(room, begun)) };
  let manifests = 0;
  room.archives.work = async () => {
    manifests += 1;
    return { kind: 'finished', finished: { ...finished, manifestSha256: `${manifests}`.repeat(64) } };
  };
  expect(await work(room, name, 1_000)).toEqual({ next: 'verify' });
  expect(await work(room, name, 1_000)).toEqual({ next: 'verify' });
  expect(manifests).toBe(1);
  expect(await record(begun.backupId)).toMatchObject({ state: 'VERIFYING', manifestSha256: '1'.repeat(64) });
});

describe('cleaning up', () => {
  test('releases what was held, discards the files of failed attempts, lets the worker resume, and forgets', async () => {
    const { room, name, played, commands, worker } = await running();
    await cleanUp(room, name);
    expect(played).toMatchObject({ released: [], discarded: [] });
    await lose(room, name, silent);
    expect((await room.store.listCleanUps(undefined)).items).toEqual([{ group, backupId: name.backupId }]);
    await cleanUp(room, name);
    expect(played).toMatchObject({ released: [name.backupId], discarded: [1] });
    expect(await commands(worker)).toMatchObject([{ type: 'cancel', backupId: name.backupId }]);
    expect((await room.store.listCleanUps(undefined)).items).toEqual([]);
    await cleanUp(room, name);
  });

  test('of a backup that was deleted before releases what was held all the same, and discards every file', async () => {
    const { room, name, played } = await running();
    await cancel(room, name);
    await remove(room, { ...name, requestId: 'r' });
    await cleanUp(room, name);
    expect(played).toMatchObject({ released: [name.backupId], discarded: [undefined, undefined] });
    expect((await room.store.listCleanUps(undefined)).items).toEqual([]);
  });

  test('keeps the files of the attempt that completed', async () => {
    const { room, name, secret, played } = await running();
    await finish(room, name, secret, finished);
    await verify(room, name, '', 1_000);
    await cleanUp(room, name);
    expect(played).toMatchObject({ released: [name.backupId], discarded: [] });
  });
});
