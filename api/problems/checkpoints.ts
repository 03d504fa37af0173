import type { ProblemKind } from '../problem.ts';

export const unexpectedCheckpoint: ProblemKind = {
  code: 'unexpected_checkpoint',
  status: 409,
  title: 'The next checkpoint has another id than the caller expects',
  retryable: false,
  remedy:
    'Somebody else has committed to the job, or this is a late retry: read the latest checkpoint before you go on.',
};

export const tooManySavepoints: ProblemKind = {
  code: 'too_many_savepoints',
  status: 409,
  title: 'The job keeps as many savepoints as it can',
  retryable: false,
  remedy: 'Delete a savepoint by its id first.',
};
