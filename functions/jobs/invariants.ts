/** Invariants of every job that is written, by the names of docs/design/jobs.md. */
import { type Invariant, requireInvariants } from '../../store/invariants.ts';
import { type Job, maxRetain, maxSavepoints, newestOf } from './job.ts';

const falls = (ids: readonly number[]) => ids.every((id, at) => at === 0 || id < (ids[at - 1] ?? id));
const idsOf = (refs: readonly { readonly checkpointId: number }[]) => refs.map(({ checkpointId }) => checkpointId);

/** Of the record alone. */
const jobInvariants: readonly Invariant<Job>[] = [
  {
    name: 'J1',
    title: 'an active job has no result, and every other job has one',
    holds: ({ state, result }) => (state === 'ACTIVE') === (result === undefined),
  },
  {
    name: 'J2',
    title: 'checkpoints are in order, newest first, each under an id of its own',
    holds: ({ checkpoints }) => falls(idsOf(checkpoints)),
  },
  {
    name: 'J3',
    title: 'no more is kept than the job retains, and no more savepoints than a job may have',
    holds: ({ checkpoints, savepoints, retain }) =>
      checkpoints.length <= retain && retain <= maxRetain && savepoints.length <= maxSavepoints,
  },
  {
    name: 'J4',
    title: 'no kept id is above the newest, and the next one is above every other',
    holds: (job) =>
      [...idsOf(job.checkpoints), ...idsOf(job.savepoints)].every((id) => id <= newestOf(job)) &&
      newestOf(job) < Math.max(job.nextCheckpointId, 1),
  },
  {
    name: 'J5',
    title: 'a payload serves the job once',
    holds: ({ graph, checkpoints, savepoints }) => {
      const ids = [graph, ...checkpoints, ...savepoints].flatMap((ref) => ref?.payloadId ?? []);
      return new Set(ids).size === ids.length;
    },
  },
];

/** Of a record and the one that takes its place. */
const changeInvariants: readonly Invariant<{ readonly before: Job; readonly after: Job }>[] = [
  { name: 'J6', title: 'the fence never falls', holds: ({ before, after }) => after.fence >= before.fence },
  {
    name: 'J7',
    title: 'ids are never given twice',
    holds: ({ before, after }) =>
      after.nextCheckpointId >= before.nextCheckpointId && newestOf(after) >= newestOf(before),
  },
  {
    name: 'J8',
    title: 'a job that has finished never runs again',
    holds: ({ before, after }) => before.state === 'ACTIVE' || after.state !== 'ACTIVE',
  },
];

const nameOf = ({ group, jobId }: Job) => `Job "${jobId}" of group "${group}"`;

/** @throws InvariantViolationError for a record that must not be written. */
export function requireJob(job: Job): void {
  requireInvariants(jobInvariants, job, nameOf(job));
}

/** @throws InvariantViolationError for a change that must not take place. */
export function requireChange(before: Job, after: Job): void {
  requireJob(after);
  requireInvariants(changeInvariants, { before, after }, nameOf(after));
}
