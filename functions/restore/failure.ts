/** Why a restore cannot continue. */
import { ProblemError } from '../../api/problem.ts';
import { DamagedError } from '../../archive/verifier.ts';
import { LogInUseError } from '../../log/protocol/seed.ts';
import type { Failure } from '../backups/backup.ts';
import { MisplacedEntryError } from './pending.ts';

/** Error names of requests that the stores will never accept, however often they are sent. */
const refusedForGood = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'InvalidRequest',
  'ItemCollectionSizeLimitExceededException',
  'NoSuchBucket',
  'ResourceNotFoundException',
  'SerializationException',
  'ValidationException',
]);
const cancelledForGood = new Set(['ItemCollectionSizeLimitExceeded', 'ValidationError', 'AccessDenied']);

/** Undefined for what may pass: the step is repeated then. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof DamagedError) return { code: 'backup_damaged', message: error.message };
  if (error instanceof LogInUseError) return { code: 'group_not_empty', message: error.message };
  if (error instanceof MisplacedEntryError) return { code: 'internal', message: error.message };
  if (error instanceof ProblemError)
    return error.kind.retryable ? undefined : { code: error.code, message: error.detail };
  return isRefusedForGood(error) ? { code: 'write_refused', message: refusal(error as Error) } : undefined;
}

function isRefusedForGood(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { CancellationReasons = [] } = error as { CancellationReasons?: { Code?: string }[] };
  return refusedForGood.has(error.name) || CancellationReasons.some(({ Code = '' }) => cancelledForGood.has(Code));
}

const longestMessage = 500;

function refusal(error: Error): string {
  const { CancellationReasons = [] } = error as { CancellationReasons?: { Code?: string; Message?: string }[] };
  const reason = CancellationReasons.find(({ Code = '' }) => cancelledForGood.has(Code));
  const message = reason ? `${reason.Code}: ${reason.Message}` : `${error.name}: ${error.message}`;
  return `A store refuses what the restore writes, for good: ${message}`.slice(0, longestMessage);
}
