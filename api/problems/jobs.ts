import type { ProblemKind } from '../problem.ts';

export const fenced: ProblemKind = {
  code: 'fenced',
  status: 409,
  title: 'A newer term has touched the job',
  retryable: false,
  remedy: 'Stop the work of this term: the leader of the newer version has recovered the job.',
  counts: 'FencedWritesRefused',
};

export const jobFinished: ProblemKind = {
  code: 'job_finished',
  status: 409,
  title: 'The job has finished',
  retryable: false,
  remedy: 'Read its result; submit new work under another job id.',
};

export const jobActive: ProblemKind = {
  code: 'job_active',
  status: 409,
  title: 'The job has not finished',
  retryable: false,
  remedy: 'Finish the job first, with cleanUp "held" if the application deletes what its checkpoints refer to.',
};

export const jobDamaged: ProblemKind = {
  code: 'job_damaged',
  status: 409,
  title: "The job's record cannot be read",
  retryable: false,
  remedy: 'The record was changed outside Tenure; restore the group from a backup, or submit the job under another id.',
};

export const uploadExpired: ProblemKind = {
  code: 'upload_expired',
  status: 410,
  title: 'The upload is too old to be used',
  retryable: false,
  remedy: 'Begin a new upload: an upload can be committed for 12 hours.',
};

export const uploadUsed: ProblemKind = {
  code: 'upload_used',
  status: 409,
  title: 'The upload is already used for something else',
  retryable: false,
  remedy: 'Begin a new upload for each graph, checkpoint and savepoint.',
};

export const payloadMissing: ProblemKind = {
  code: 'payload_missing',
  status: 422,
  title: 'The payload is not in the bucket',
  retryable: false,
  remedy: 'Upload it to the URL of the upload first; nothing was written.',
};

export const payloadMismatch: ProblemKind = {
  code: 'payload_mismatch',
  status: 422,
  title: 'The payload is not the one that was promised',
  retryable: false,
  remedy: 'Upload it again under a new upload; the reference was not written.',
};
