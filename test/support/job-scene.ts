import { afterAll, beforeAll, beforeEach, inject } from 'vitest';
import type { Fence } from '../../api/fence.ts';
import { type JobWorld, openJobWorld, type Process } from './job-world.ts';

/**
 * The start of a test of jobs: a group of its own with a leader, a process that serves it, and the path of a job to
 * submit.
 */
export interface JobScene {
  readonly world: JobWorld;
  readonly api: Process;
  readonly leader: Fence;
  readonly name: string;
  /** Path of the group. */
  readonly group: string;
  readonly job: string;
}

interface SceneOptions {
  readonly leaseMs?: number;
  /** Options for the names of the group and of the job. */
  readonly named?: (name: string) => string;
}

/** Opens one world for the tests of the file, and hands each test a scene in it. */
export function eachInItsGroup(prefix: string, set: (scene: JobScene) => void, options: SceneOptions = {}): void {
  const { leaseMs, named = (name) => name } = options;
  let world: JobWorld;
  let tests = 0;
  beforeAll(async () => {
    world = await openJobWorld(inject('dynamodb'));
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    tests += 1;
    const name = named(`${prefix}-${tests}`);
    const group = `/groups/${name}`;
    const job = `${group}/jobs/${named('nightly')}`;
    set({ world, api: world.process(), leader: await world.lead(name, leaseMs), name, group, job });
  });
}
