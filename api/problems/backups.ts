import type { ProblemKind } from '../problem.ts';

export const backupInProgress: ProblemKind = {
  code: 'backup_in_progress',
  status: 409,
  title: 'Another backup of the group is in progress',
  retryable: true,
  remedy: 'Wait for the backup in `backupId`, or cancel it.',
};

export const backupFailed: ProblemKind = {
  code: 'backup_failed',
  status: 409,
  title: 'The backup that the caller waited for has failed',
  retryable: false,
  remedy: 'Read `error.code` and its message, and look it up in docs/backups.md; then request a new backup.',
};

export const backupFinal: ProblemKind = {
  code: 'backup_final',
  status: 409,
  title: 'The backup has ended already',
  retryable: false,
  remedy: 'Look at its status; request a new backup.',
};

export const backupRunning: ProblemKind = {
  code: 'backup_running',
  status: 409,
  title: 'A running backup cannot be deleted',
  retryable: false,
  remedy: 'Cancel it first, or wait until it has ended.',
};

export const noWorker: ProblemKind = {
  code: 'no_worker',
  status: 412,
  title: 'No worker is registered for the group',
  retryable: true,
  remedy: 'Start one with `tenure worker`, or allow the built-in backup with allowLeader.',
};

export const groupNotEmpty: ProblemKind = {
  code: 'group_not_empty',
  status: 409,
  title: 'A backup is restored into an empty group only',
  retryable: false,
  remedy: 'Restore into a group that was never used.',
};

export const backupDamaged: ProblemKind = {
  code: 'backup_damaged',
  status: 422,
  title: 'The backup is not intact',
  retryable: false,
  remedy: 'Restore another backup; nothing was written.',
};

export const restoreCompleted: ProblemKind = {
  code: 'restore_completed',
  status: 409,
  title: 'A restore that has completed cannot be abandoned',
  retryable: false,
  remedy: 'The group is as the backup says; use another group if it should not be.',
};

export const sourceForbidden: ProblemKind = {
  code: 'source_forbidden',
  status: 403,
  title: 'The group may not read this backup',
  retryable: false,
  remedy: 'Let the owner share the backup with this group, or list its prefix in restoreSources.',
};

export const targetForbidden: ProblemKind = {
  code: 'target_forbidden',
  status: 403,
  title: 'A backup may not be written to this target',
  retryable: false,
  remedy: 'Name a target below a prefix of the setting backupTargets, or leave the target out.',
};

export const attemptSuperseded: ProblemKind = {
  code: 'attempt_superseded',
  status: 409,
  title: 'The attempt no longer counts',
  retryable: false,
  remedy: 'Stop working on it; `verdict` says whether the backup was cancelled or the attempt superseded.',
};

export const backupNotAvailable: ProblemKind = {
  code: 'backup_not_available',
  status: 409,
  title: 'The service has no files of this backup to hand out',
  retryable: false,
  remedy: "Wait until it is COMPLETED; read the files of a `file://` backup on its worker's host.",
};

export const workerReplaced: ProblemKind = {
  code: 'worker_replaced',
  status: 409,
  title: 'Another process has registered under the name of this worker',
  retryable: false,
  remedy: 'Stop this process, or give each worker a name of its own.',
};

export const groupNotFound: ProblemKind = {
  code: 'group_not_found',
  status: 404,
  title: 'The group never existed',
  retryable: false,
  remedy: 'Check its name: a group exists once it was led, or has a job, a log or a worker.',
};
