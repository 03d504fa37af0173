import { expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import type { JobWorld } from '../../support/job-world.ts';

let world: JobWorld;
let leader: Fence;
let group: string;

eachInItsGroup('keys', (scene) => {
  ({ world, leader, group } = scene);
});

/** Each call by a process of its own, which has seen no request before. */
const call = (step: string, body: object, key: string, fence?: Fence) =>
  world.process().call('POST', `${group}/leadership/${step}`, body, fence, { 'Idempotency-Key': key });
const reused = { status: 422, body: { code: 'idempotency_key_reused' } };

test('a key that the record of the leadership remembers is refused with another request, by every process', async () => {
  expect((await call('resign', {}, 'bye', leader)).status).toBe(200);
  expect((await call('resign', {}, 'bye', leader)).status).toBe(200);
  expect(await call('resign', { successor: 'b' }, 'bye', leader)).toMatchObject(reused);
  const granted = await call('contend', { contenderId: 'c', leaseMs: 60_000 }, 'mine');
  expect(granted.status).toBe(200);
  expect(await call('contend', { contenderId: 'd', leaseMs: 60_000 }, 'mine')).toMatchObject(reused);
  expect((await call('contend', { contenderId: 'd', leaseMs: 60_000 }, 'another')).body.code).toBe('leadership_held');
});
