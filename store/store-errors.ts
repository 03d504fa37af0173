import { setTimeout as pause } from 'node:timers/promises';

const throttledNames = new Set([
  'ThrottlingException',
  'Throttling',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'SlowDown',
]);

const unavailableNames = new Set([
  ...throttledNames,
  'ServiceUnavailable',
  'InternalServerError',
  'InternalError',
  'InternalFailure',
  'TransactionInProgressException',
  'TransactionConflictException',
  'TimeoutError',
  'AbortError',
  // S3 still works on another write of the same key.
  'ConditionalRequestConflict',
  'ReplicatedWriteConflictException',
]);

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** Whether a store was throttled or could not be reached: the outcome of a write is then unknown. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata } = error as Error & { code?: string; $metadata?: { httpStatusCode?: number } };
  if (unavailableNames.has(name) || (code !== undefined && unreachableCodes.has(code))) return true;
  if (name === 'TransactionCanceledException') return cancelledBy(error).some((code) => cancelledInPassing.has(code));
  return ($metadata?.httpStatusCode ?? 0) >= 500;
}

export function isThrottled(error: unknown): boolean {
  return error instanceof Error && throttledNames.has(error.name);
}

const cancelledInPassing = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

function cancelledBy(error: unknown): string[] {
  const { CancellationReasons = [] } = error as { CancellationReasons?: { Code?: string }[] };
  return CancellationReasons.map(({ Code }) => Code ?? 'None');
}

/** Whether a transaction lost one of its conditions (and not merely a race with another transaction). */
export function lostCondition(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'ConditionalCheckFailedException') return true;
  return error.name === 'TransactionCanceledException' && cancelledBy(error).includes('ConditionalCheckFailed');
}

/** Whether the store put the request off for the moment, so that it had no effect. */
export function wasPutOff(error: unknown): boolean {
  if (isThrottled(error) || isConflict(error)) return true;
  if (!(error instanceof Error) || error.name !== 'TransactionCanceledException' || lostCondition(error)) return false;
  return cancelledBy(error).some((code) => cancelledInPassing.has(code));
}

/** Whether another transaction held an item, so that nothing was written. */
export function isConflict(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'TransactionConflictException') return true;
  return (
    error.name === 'TransactionCanceledException' &&
    !lostCondition(error) &&
    cancelledBy(error).includes('TransactionConflict')
  );
}

/**
 * Sends a write again, up to four times in all, while another transaction holds one of its items: nothing was written
 * then.
 */
export async function pastConflicts<Answer>(write: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; attempt < 4; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isConflict(error)) throw error;
      await pause(Math.random() * 20 * 2 ** attempt);
    }
  }
  return write();
}
