import { describe, expect, test } from 'vitest';
import { requireChange, requireJob } from '../../../functions/jobs/invariants.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import { toItem } from '../../../functions/jobs/job-item.ts';

const payload = (number: number) => ({
  payloadId: `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`,
  bytes: 1,
  sha256: '0'.repeat(64),
  committedAt: 1,
});
const ref = (checkpointId: number) => ({ ...payload(checkpointId), checkpointId });
const result = { outcome: 'failed', finishedAt: 1, requestId: 'r' } as const;

const job: Job = {
  group: 'g',
  jobId: 'j',
  state: 'ACTIVE',
  fence: 2,
  graph: payload(100),
  retain: 2,
  checkpoints: [ref(3), ref(1)],
  savepoints: [ref(2)],
  commits: [ref(3), ref(1)],
  nextCheckpointId: 4,
  newestCheckpointId: 3,
  submittedAt: 1,
  requestId: 'r',
};

/** A bug of each kind, and the invariant that stops it. */
describe('a record that breaks an invariant is refused before it is written', () => {
  test.each<[string, Partial<Job>]>([
    ['J1', { result }],
    ['J1', { state: 'FINISHED' }],
    ['J2', { checkpoints: [ref(1), ref(3)] }],
    ['J2', { checkpoints: [ref(3), ref(3)] }],
    ['J3', { retain: 1 }],
    ['J3', { retain: 257 }],
    ['J4', { newestCheckpointId: 2 }],
    ['J4', { nextCheckpointId: 3 }],
    ['J5', { graph: payload(3) }],
    ['J5', { savepoints: [{ ...ref(2), payloadId: payload(1).payloadId }] }],
  ])('%s: %j', (name, bug) => {
    const violation = new RegExp(`^Job "j" of group "g" violates ${name}: .+\\. Nothing was written\\.$`);
    expect(() => requireJob({ ...job, ...bug })).toThrow(violation);
    expect(() => toItem({ ...job, ...bug })).toThrow(violation);
  });

  test.each<[string, Partial<Job>]>([
    ['J6', { fence: 1 }],
    ['J7', { nextCheckpointId: 3, newestCheckpointId: 2, checkpoints: [ref(1)] }],
    ['J7', { newestCheckpointId: 2, checkpoints: [ref(1)] }],
  ])('%s: then %j', (name, bug) => {
    expect(() => requireChange(job, { ...job, ...bug })).toThrow(`violates ${name}:`);
  });

  test('J8: a finished job becomes active', () => {
    expect(() => requireChange({ ...job, state: 'FINISHED', result }, job)).toThrow('violates J8:');
  });

  test('and one that keeps them all is not', () => {
    expect(() => requireChange(job, { ...job, fence: 3, nextCheckpointId: 9 })).not.toThrow();
  });
});
