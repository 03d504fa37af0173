import * as z from 'zod/mini';
import {
  bucketName,
  commaSeparated,
  milliseconds,
  readSettings,
  tableName,
  wholeNumber,
} from '../platform/settings.ts';
import type { BackupSettings } from './backups.ts';

/** Settings that every function of this room reads from its environment. */
export function backupSettings(): BackupSettings & { readonly table: string } {
  const read = readSettings({
    TENURE_TABLE: tableName,
    TENURE_SUSPEND_TIMEOUT_MS: milliseconds(1_000, 3_600_000, 180_000),
    TENURE_ANSWER_TIMEOUT_MS: milliseconds(1_000, 600_000, 30_000),
    TENURE_ABANDON_TIMEOUT_MS: milliseconds(3_000, 3_600_000, 60_000),
    TENURE_ATTEMPT_TIMEOUT_MS: milliseconds(60_000, 30 * 86_400_000, 86_400_000),
    TENURE_IDLE_POLL_MS: milliseconds(100, 60_000, 10_000),
    TENURE_HELD_POLLS: z._default(z.enum(['on', 'off']), 'on'),
    TENURE_MOST_WORKERS: wholeNumber(1, 1_000, 100),
    TENURE_MOST_BACKUPS: wholeNumber(1, 100_000, 2_000),
    TENURE_CUT_TRIES: wholeNumber(1, 100, 5),
    TENURE_CUT_PAUSE_MS: milliseconds(1_000, 60_000, 1_000),
    TENURE_CUT_FREE_PASSES: wholeNumber(2, 100, 3),
    TENURE_CUT_PASSES: wholeNumber(2, 100, 12),
    TENURE_BACKUP_TARGETS: commaSeparated,
    TENURE_DELEGATION: z._default(z.enum(['on', 'off']), 'on'),
  });
  return {
    table: read.TENURE_TABLE,
    suspendTimeoutMs: read.TENURE_SUSPEND_TIMEOUT_MS,
    answerTimeoutMs: read.TENURE_ANSWER_TIMEOUT_MS,
    abandonTimeoutMs: read.TENURE_ABANDON_TIMEOUT_MS,
    attemptTimeoutMs: read.TENURE_ATTEMPT_TIMEOUT_MS,
    idlePollMs: read.TENURE_IDLE_POLL_MS,
    holdsPolls: read.TENURE_HELD_POLLS === 'on',
    mostWorkers: read.TENURE_MOST_WORKERS,
    mostBackups: read.TENURE_MOST_BACKUPS,
    cutTries: read.TENURE_CUT_TRIES,
    cutPauseMs: read.TENURE_CUT_PAUSE_MS,
    cutFreePasses: read.TENURE_CUT_FREE_PASSES,
    cutPasses: read.TENURE_CUT_PASSES,
    backupTargets: read.TENURE_BACKUP_TARGETS,
    delegation: read.TENURE_DELEGATION,
  };
}

/** The ARN of the state machine. */
export function workflowArn(): string {
  return readSettings({ TENURE_BACKUP_WORKFLOW: z.string().check(z.startsWith('arn:')) }).TENURE_BACKUP_WORKFLOW;
}

export const archiveBucketName = (): string => readSettings({ TENURE_BUCKET: bucketName }).TENURE_BUCKET;
