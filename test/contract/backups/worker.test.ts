import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { BackupWorker } from '../../../client/backups/backup-worker.ts';
import { TenureClient } from '../../../client/tenure-client.ts';
import { cut } from '../../../functions/backups/attempt/conclusion.ts';
import { choose, offer, run, suspend } from '../../../functions/backups/attempt/delegation.ts';
import { cancel } from '../../../functions/backups/requests.ts';
import { register } from '../../../functions/backups/worker/workers.ts';
import { problemOf } from '../leadership/room.ts';
import { offered, openWorker } from './worker-world.ts';
import { group } from './world.ts';

describe('the worker of the client library', () => {
  test('suspends, takes the snapshot at the cut, writes the archive, finishes and resumes, in this order', async () => {
    const calls: string[] = [];
    const world = await openWorker({
      suspend() {
        calls.push('suspend');
        return { events: 7 };
      },
      snapshot({ cut: at }) {
        calls.push(`snapshot at ${at['events']}`);
        return [{ balance: 5 }];
      },
      resume: () => void calls.push('resume'),
    });
    const name = await offered(world);
    await run(world.room, { ...name, taskToken: 'run' });
    expect(await world.event('finished')).toMatchObject({ uri: `s3://bucket/backups/${group}/${name.backupId}/1/` });
    expect(calls).toEqual(['suspend', 'snapshot at 10', 'resume']);
    const record = await world.record(name.backupId);
    expect(record).toMatchObject({ state: 'VERIFYING', entryCount: 2 });
    expect([...world.files.keys()]).toEqual(['entries-00000.ndjson.gz', 'manifest.json']);
    expect(JSON.parse(world.files.get('manifest.json') ?? '')).toMatchObject({
      cut: { events: 10 },
      counts: { entries: 2, application: 1 },
    });
    expect(world.errors).toEqual([]);
  });

  test('lets heartbeats through while it is handed a state that is all in memory', async () => {
    let heartbeatsRan = false;
    let ranBetween = false;
    const world = await openWorker({
      *snapshot() {
        setImmediate(() => {
          heartbeatsRan = true;
        });
        for (let value = 0; value < 3; value += 1) yield value;
        ranBetween = heartbeatsRan;
      },
    });
    await offered(world);
    await world.event('finished');
    expect(ranBetween).toBe(true);
  });

  test('refuses with the reason of its suspend hook, and resumes', async () => {
    const calls: string[] = [];
    const world = await openWorker({
      suspend: () => Promise.reject(new Error('replaying')),
      resume: () => void calls.push('resume'),
    });
    const begun = await world.begin();
    const { attempt } = await choose(world.room, begun);
    await suspend(world.room, { ...begun, attempt, taskToken: 'suspend' });
    expect(await world.reports('fail', 'suspend')).toEqual(['fail', 'suspend', 'Refused', 'replaying']);
    expect(calls).toEqual(['resume']);
  });

  test('says at its registration whether it has a folder; without one it is not asked for a backup on its disk', async () => {
    const world = await openWorker();
    expect((await problemOf(world.begin({ localFileSystem: true }))).detail).toContain('"w1" has no folder');
    const equipped = await openWorker({}, { localDir: 'relative' });
    expect(await equipped.room.workers.find(group, 'w1')).toMatchObject({ folders: [resolve('relative')] });
  });

  test('stops when another process registers under its name: its backup is lost, its application resumes', async () => {
    const resumed: string[] = [];
    const world = await openWorker({
      resume: () => void resumed.push('once'),
      snapshot: ({ signal }) => new Promise((done) => signal.addEventListener('abort', () => done(undefined))),
    });
    const name = await offered(world);
    await world.event('accepted');
    await run(world.room, { ...name, taskToken: 'run' });
    await register(world.room, { group, worker: 'w1', instanceId: randomUUID() }, { host: 'other' });
    expect(await world.worker.replaced).toBe('replaced');
    expect(world.workflow.reports).toContainEqual(['fail', 'run', 'WorkerLost', 'was restarted']);
    expect(resumed).toEqual(['once']);
    expect(world.errors).toContainEqual(expect.objectContaining({ code: 'worker_replaced' }));
    await world.worker.close();
    expect(await world.room.workers.find(group, 'w1')).toMatchObject({ host: 'other' });
  });

  test('has an id of its own unless it is given one, whatever the name of the host', () => {
    const client = new TenureClient();
    const ids = ['host', 'host', '-odd name?', 'x'.repeat(300)].map(
      (host) => new BackupWorker({ client, group, host }).workerId,
    );
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
    expect(ids[0]).toMatch(new RegExp(`^host\\.${process.pid}\\.`));
  });

  test('resumes by itself when no backup comes in time, and refuses what comes later', async () => {
    const resumed: string[] = [];
    const world = await openWorker({ resume: () => void resumed.push('once') }, { suspendTimeoutMs: 1_000 });
    const begun = await world.begin();
    const { attempt } = await choose(world.room, begun);
    await suspend(world.room, { ...begun, attempt, taskToken: 'suspend' });
    await world.event('resumed');
    expect(resumed).toEqual(['once']);
    await cut(world.room, { ...begun, attempt });
    await offer(world.room, { ...begun, attempt, taskToken: 'offer' });
    const [, , , reason] = await world.reports('fail', 'offer');
    expect(reason).toBe('no longer suspended for it');
  });

  test('hears a cancellation through its verdict, and resumes', async () => {
    const resumed: string[] = [];
    const world = await openWorker({
      resume: () => void resumed.push('once'),
      snapshot: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
    });
    const name = await offered(world);
    await world.event('accepted');
    await run(world.room, { ...name, taskToken: 'run' });
    await cancel(world.room, name);
    const { release } = await import('../../../functions/backups/attempt/delegation.ts');
    await release(world.room, name, 'w1');
    expect(await world.event('ended')).toMatchObject({ why: 'cancelled' });
    expect(resumed).toEqual(['once']);
  });

  test('that cannot continue says why, and the backup ends with that', async () => {
    const world = await openWorker({
      snapshot() {
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      },
    });
    const name = await offered(world);
    expect(await world.event('ended')).toMatchObject({ why: 'worker_enospc: no space left on device' });
    expect((await world.record(name.backupId)).gaveUp).toEqual({
      code: 'worker_enospc',
      message: 'no space left on device',
    });
  });

  test.each(['disk full', undefined])(
    'that cannot continue for %o, which is no Error, says so and resumes',
    async (thrown) => {
      const resumed: string[] = [];
      const world = await openWorker({
        snapshot: () => Promise.reject(thrown),
        resume: () => void resumed.push('once'),
      });
      const name = await offered(world);
      expect(await world.event('ended')).toMatchObject({ why: `worker_error: ${thrown}` });
      expect((await world.record(name.backupId)).gaveUp).toEqual({ code: 'worker_error', message: String(thrown) });
      expect(resumed).toEqual(['once']);
    },
  );

  test('resumes whatever is thrown, and is told of what cannot be said to the service', async () => {
    const resumed: string[] = [];
    const world = await openWorker({
      snapshot: () => Promise.reject(Object.create(null)),
      resume: () => void resumed.push('once'),
    });
    await offered(world);
    await world.event('resumed');
    expect(resumed).toEqual(['once']);
    await vi.waitFor(() => expect(world.errors).toEqual([expect.any(TypeError)]));
  });

  test('continues when each of its hooks throws, also the one for errors', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => warned.mockRestore());
    const failing = (what: string) => () => {
      throw new Error(`${what} failed`);
    };
    const hooks = { resume: failing('resume'), onEvent: failing('onEvent'), onError: failing('onError') };
    const refusing = await openWorker({ ...hooks, suspend: failing('suspend') });
    const begun = await refusing.begin();
    const { attempt } = await choose(refusing.room, begun);
    await suspend(refusing.room, { ...begun, attempt, taskToken: 'suspend' });
    expect(await refusing.reports('fail', 'suspend')).toEqual(['fail', 'suspend', 'Refused', 'suspend failed']);

    const world = await openWorker({ ...hooks, snapshot: failing('snapshot') });
    await offered(world);
    expect(await world.event('ended')).toMatchObject({ why: 'worker_error: snapshot failed' });
    for (const { worker, event } of [refusing, world]) {
      await worker.close();
      await event('left');
    }
    expect(warned).toHaveBeenCalledWith(new Error('onError failed'));
  });

  test('says goodbye when it closes in the middle of a backup', async () => {
    const world = await openWorker({
      snapshot: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
    });
    const name = await offered(world);
    await world.event('accepted');
    await run(world.room, { ...name, taskToken: 'run' });
    await world.worker.close();
    expect(world.workflow.reports).toContainEqual(['fail', 'run', 'WorkerLost', 'said goodbye']);
    expect(world.events.map(({ type }) => type)).toContain('left');
    expect(await world.room.workers.find(group, 'w1')).toBeUndefined();
  });
});
