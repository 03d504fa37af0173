import type { BackupSettings } from '../../../functions/backups/backups.ts';

/** A deployment's settings unless a test sets others. */
export const defaultSettings: BackupSettings = {
  suspendTimeoutMs: 180_000,
  answerTimeoutMs: 30_000,
  abandonTimeoutMs: 60_000,
  attemptTimeoutMs: 24 * 3_600_000,
  idlePollMs: 10_000,
  holdsPolls: true,
  mostWorkers: 100,
  mostBackups: 2_000,
  cutTries: 5,
  cutPauseMs: 1_000,
  cutFreePasses: 3,
  cutPasses: 12,
};
