import { describe, expect, test } from 'vitest';
import type { BackupWorker } from '../../../client/backups/backup-worker.ts';
import type { BackupHooks } from '../../../client/backups/hooks.ts';
import { choose, suspend } from '../../../functions/backups/attempt/delegation.ts';
import { offered, openWorker } from './worker-world.ts';
import { group } from './world.ts';

type Hook = 'suspend' | 'snapshot' | 'the iteration of snapshot' | 'resume';

/** A worker one of whose hooks closes it, with what its hooks did, in order. */
async function closingIn(hook: Hook) {
  const calls: string[] = [];
  let worker: BackupWorker | undefined;
  const act = async (at: Hook) => {
    calls.push(`${at} begins`);
    if (at === hook) await worker?.close();
    calls.push(`${at} returns`);
  };
  const hooks: BackupHooks = {
    async suspend() {
      await act('suspend');
      return undefined;
    },
    async snapshot() {
      await act('snapshot');
      return state();
    },
    resume: () => act('resume'),
  };
  async function* state() {
    await act('the iteration of snapshot');
    yield 1;
  }
  const world = await openWorker(hooks);
  worker = world.worker;
  return { ...world, calls };
}

describe('close() inside a hook neither deadlocks nor runs twice:', () => {
  test('suspend', async () => {
    const world = await closingIn('suspend');
    const begun = await world.begin();
    const { attempt } = await choose(world.room, begun);
    await suspend(world.room, { ...begun, attempt, taskToken: 'suspend' });
    await world.event('left');
    expect(world.calls).toEqual(['suspend begins', 'suspend returns', 'resume begins', 'resume returns']);
    await closedOnce(world);
  });

  test.each(['snapshot', 'the iteration of snapshot', 'resume'] as const)('%s', async (hook) => {
    const world = await closingIn(hook);
    await offered(world);
    await world.event('left');
    const iterated = ['the iteration of snapshot begins', 'the iteration of snapshot returns'];
    expect(world.calls).toEqual([
      ...['suspend begins', 'suspend returns', 'snapshot begins', 'snapshot returns'],
      // An attempt that was given up reads no state.
      ...(hook === 'snapshot' ? [] : iterated),
      ...['resume begins', 'resume returns'],
    ]);
    await closedOnce(world);
  });
});

async function closedOnce(world: Awaited<ReturnType<typeof openWorker>>): Promise<void> {
  await Promise.all([world.worker.close(), world.worker.close()]);
  expect(world.events.filter(({ type }) => type === 'left')).toHaveLength(1);
  expect(world.errors).toEqual([]);
  expect(await world.room.workers.find(group, 'w1')).toBeUndefined();
}

test('close() from outside waits for the hook that runs', async () => {
  let returned = false;
  let begun = () => {};
  const beginning = new Promise<void>((resolve) => (begun = resolve));
  const world = await openWorker({
    async resume() {
      begun();
      await new Promise((resolve) => setTimeout(resolve, 100));
      returned = true;
    },
  });
  await offered(world);
  await beginning;
  await world.worker.close();
  expect(returned).toBe(true);
});

test('close() before start() sends nothing, and a worker that is closed does not begin', async () => {
  const world = await openWorker();
  await world.worker.close();
  const before = world.events.length;
  world.worker.start();
  await world.worker.close();
  expect(world.events).toHaveLength(before);
});
