import type { ProblemKind } from '../problem.ts';

export const unexpectedCheckpoint: ProblemKind = {
  code: 'unexpected_checkpoint',
  status: 409,
  title: 'The next checkpoint has another id than the caller expects',
  retryable: false,
  remedy:
    'Somebody else has committed to the job, or this is a late retry: read the latest checkpoint before you continue.',
};

export const staleCheckpointId: ProblemKind = {
  code: 'stale_checkpoint_id',
  status: 409,
  title: 'The checkpoint id is not above the newest one',
  retryable: false,
  remedy: 'Give an id above `newest`, reserve one, or leave the id to the service.',
};

export const newestCheckpoint: ProblemKind = {
  code: 'newest_checkpoint',
  status: 409,
  title: 'The next leader would recover this checkpoint',
  retryable: false,
  remedy: 'Commit a newer one first, or pass `force=true`: recovery then takes the one before, or none.',
};

export const tooManySavepoints: ProblemKind = {
  code: 'too_many_savepoints',
  status: 409,
  title: 'The job keeps as many savepoints as it can',
  retryable: false,
  remedy: 'Delete a savepoint by its id first.',
};
