import { expect, test } from 'vitest';
import type { CheckpointEntry, JobEntry } from '../../../api/archive.ts';
import { failureOf } from '../../../functions/restore/failure.ts';
import { MisplacedEntryError, nothingPending, takeUp } from '../../../functions/restore/pending.ts';
import { sampleGroup } from '../../support/backups/archives.ts';

const { entries } = sampleGroup();
const job = entries[1] as JobEntry;
const checkpoint = entries[2] as CheckpointEntry;

test('a checkpoint is taken up with the job before it', () => {
  const pending = takeUp(takeUp(nothingPending, job), checkpoint);
  expect(pending.jobs).toEqual([{ job, checkpoints: [checkpoint] }]);
});

test.each([
  ['without any job', nothingPending],
  ['behind another job', takeUp(nothingPending, { ...job, jobId: 'another' })],
])('a checkpoint %s is an error, and ends the restore as FAILED', (_where, pending) => {
  const put = () => takeUp(pending, checkpoint);
  expect(put).toThrow(MisplacedEntryError);
  try {
    put();
  } catch (error) {
    const message = `Checkpoint ${checkpoint.checkpointId} of job "${checkpoint.jobId}" has no job before it`;
    expect(failureOf(error)).toEqual({ code: 'internal', message });
  }
  expect.assertions(2);
});
