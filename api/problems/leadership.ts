import type { ProblemKind } from '../problem.ts';

export const leadershipHeld: ProblemKind = {
  code: 'leadership_held',
  status: 409,
  title: 'Another contender holds the lease',
  retryable: true,
  remedy: 'Contend again after retryAfterMs.',
};

export const leadershipLost: ProblemKind = {
  code: 'leadership_lost',
  status: 409,
  title: 'The term has ended',
  retryable: false,
  remedy: 'Stop the work of this term; contend for a new one.',
  counts: 'LeadershipLost',
};

export const groupInUse: ProblemKind = {
  code: 'group_in_use',
  status: 409,
  title: 'The group is led, restored or backed up',
  retryable: false,
  remedy: 'Stop its leader and contenders, wait for the lease and the backup to end, then delete it.',
};

export const groupRestoring: ProblemKind = {
  code: 'group_restoring',
  status: 409,
  title: 'A backup is being restored into the group',
  retryable: true,
  remedy: 'Contend again when the restore has finished.',
};
