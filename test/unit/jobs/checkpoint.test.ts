import { expect, test } from 'vitest';
import { afterLoss, earlierCommit, firstWay, outcome, withCommit } from '../../../functions/jobs/checkpoint.ts';
import { type Job, livePayloads, owedPayloads, referredPayloads, refusal } from '../../../functions/jobs/job.ts';
import { toItem, toJob } from '../../../functions/jobs/job-item.ts';
import { requestIdOf, shortId } from '../../../store/idempotency.ts';

const id = (number: number) => `0190b6c0-0000-7000-8000-${String(number).padStart(12, '0')}`;
const payload = (number: number) => ({
  payloadId: id(number),
  bytes: number,
  sha256: 'a'.repeat(64),
  committedAt: 1_000,
});
const checkpoint = (number: number) => ({ ...payload(number), checkpointId: number });
const requestOf = (key: string, body: string) => requestIdOf(key, 'POST', '/v1', Buffer.from(body));
const name = { group: 'orders', jobId: 'nightly' };

/** Keeps 3 of the 5 checkpoints that were committed, and a savepoint. */
const job: Job = {
  ...name,
  state: 'ACTIVE',
  fence: 7,
  graph: payload(100),
  metadata: { owner: 'ops' },
  retain: 3,
  checkpoints: [checkpoint(6), checkpoint(4), checkpoint(3)],
  savepoints: [checkpoint(5)],
  commits: [6, 4, 3, 2, 1].map((number) => ({ payloadId: id(number), checkpointId: number })),
  nextCheckpointId: 7,
  submittedAt: 500,
  requestId: 'request',
  asked: [
    { kind: 'c', id: shortId(requestOf('first', 'body')).id },
    { kind: 'r', id: shortId(requestOf('second', 'body')).id },
  ],
};
const commitOf = (number: number, more = {}) => ({
  kind: 'checkpoint' as const,
  payload: payload(number),
  requestId: requestOf('another', 'body'),
  ...more,
});

test('a record is read as it was written', () => {
  const copied = JSON.parse(JSON.stringify(toItem(job)), (_, value) =>
    value?.type === 'Buffer' ? new Uint8Array(value.data) : value,
  );
  expect(toJob(copied)).toEqual({ ...job, newestCheckpointId: 6, revision: 0 });
});

test('a commit drops the oldest beyond the retention, a savepoint drops nothing', () => {
  expect(outcome(job, commitOf(50))).toEqual({ committed: { checkpointId: 7, retained: [4, 6, 7] }, drops: id(3) });
  expect(outcome(job, commitOf(50, { kind: 'savepoint' }))).toEqual({
    committed: { checkpointId: 7, retained: [3, 4, 6] },
  });
  const discarded = { ...job, checkpoints: [] };
  expect(outcome(discarded, commitOf(50))).toEqual({ committed: { checkpointId: 7, retained: [7] }, drops: undefined });
});

test('a late retry is told what became of its commit', () => {
  expect(earlierCommit(job, commitOf(4))).toEqual({ checkpointId: 4, retained: [3, 4, 6] });
  expect(earlierCommit(job, commitOf(1))).toEqual({
    checkpointId: 1,
    retained: [3, 4, 6],
    dropped: true,
    supersededBy: 6,
  });
  expect(earlierCommit({ ...job, checkpoints: [] }, commitOf(6))).toEqual({
    checkpointId: 6,
    retained: [],
    dropped: true,
    supersededBy: undefined,
  });
  expect(earlierCommit(job, commitOf(50))).toBeUndefined();
  for (const used of [5, 100]) expect(() => earlierCommit(job, commitOf(used))).toThrow(/already serves/);
});

test('a key that a commit or a reservation came with is refused with another commit, which is named', () => {
  const late = (key: string, body: string) => () =>
    afterLoss(name, job, 7, commitOf(50, { requestId: requestOf(key, body) }));
  expect(late('first', 'other')).toThrow('before: POST /v1/groups/orders/jobs/nightly/checkpoints. Send');
  expect(late('second', 'other')).toThrow('before: POST /v1/groups/orders/jobs/nightly/checkpoints/reserve. Send');
  expect(late('first', 'body')).not.toThrow();
  expect(late('third', 'body')).not.toThrow();
});

test('the reason of a refusal: the fence before everything else, then what the job is', () => {
  const codeOf = (record: Job | undefined, version: number, commit = commitOf(50)) => {
    try {
      return afterLoss(name, record, version, commit);
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  expect(codeOf(undefined, 7)).toBe('not_found');
  expect(codeOf(job, 6, commitOf(6))).toBe('fenced');
  expect(codeOf({ ...job, state: 'FINISHED' }, 7)).toBe('job_finished');
  expect(codeOf({ ...job, state: 'FINISHED' }, 7, commitOf(6))).toMatchObject({
    kind: 'committed',
    committed: { checkpointId: 6 },
  });
  expect(codeOf(job, 7, commitOf(50, { expected: 6 }))).toBe('unexpected_checkpoint');
  expect(codeOf(job, 7, commitOf(50, { checkpointId: 6 }))).toBe('stale_checkpoint_id');
});

test('a refusal names both versions', () => {
  expect(refusal(name, job, 6)?.toJSON()).toMatchObject({ code: 'fenced', yours: 6, current: 7 });
  expect(refusal(name, job, 7)).toBeUndefined();
});

test('payloads that must stay, that a backup copies and that the clean-up owes depend on the state', () => {
  const ids = (...numbers: number[]) => new Set(numbers.map(id));
  expect(referredPayloads(job)).toEqual(ids(6, 4, 3, 5, 100));
  expect(livePayloads(job)).toEqual(ids(6, 4, 3, 5, 100));
  expect(livePayloads({ ...job, state: 'FINISHED' })).toEqual(ids(5));
  expect(referredPayloads({ ...job, state: 'CLEANED' })).toEqual(ids(5));
  expect(owedPayloads(job)).toEqual([6, 4, 3, 100].map(id));
});

test('a commit is written the way that fits the job and the id', () => {
  const wayOf = (record: Job, more = {}) => afterLoss(name, record, 7, commitOf(50, more));
  const reserved = { ...job, nextCheckpointId: 9 };
  const wide = { ...job, retain: 33 };
  expect(wayOf(job)).toMatchObject({ kind: 'again', way: 'next' });
  expect(wayOf(job, { checkpointId: 7 })).toMatchObject({ way: 'fresh' });
  expect(wayOf(reserved, { checkpointId: 8 })).toMatchObject({ way: 'reserved' });
  expect(wayOf(reserved, { checkpointId: 9 })).toMatchObject({ way: 'fresh' });
  expect(wayOf(wide, { checkpointId: 9 })).toMatchObject({ way: 'whole' });
  expect(wayOf(wide, { kind: 'savepoint' })).toMatchObject({ way: 'next' });
  const ways = [
    firstWay(commitOf(50)),
    firstWay(commitOf(50, { checkpointId: 0 })),
    firstWay(commitOf(50, { checkpointId: 1 })),
  ];
  expect(ways).toEqual(['next', 'reserved', 'fresh']);
});

test('the job after a commit has the id as its newest, and a next one above it', () => {
  const after = (more = {}, record = job) => withCommit(record, commitOf(50, more), 8);
  expect(after()).toMatchObject({ fence: 8, newestCheckpointId: 7, nextCheckpointId: 8 });
  expect(after({ checkpointId: 20 })).toMatchObject({ newestCheckpointId: 20, nextCheckpointId: 21 });
  const reserved = { ...job, nextCheckpointId: 30 };
  expect(after({ checkpointId: 20 }, reserved)).toMatchObject({ newestCheckpointId: 20, nextCheckpointId: 30 });
  expect(after({ kind: 'savepoint' })).toMatchObject({ newestCheckpointId: 7, checkpoints: job.checkpoints });
});
