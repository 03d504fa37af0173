import { randomUUID } from 'node:crypto';
import type { FunctionHost } from '../lambda/host.ts';
import { invokeOnceFree } from '../lambda/patience.ts';
import type { LambdaRecord } from './record.ts';

/** How an event source mapping treats a batch that its function does not finish. */
export interface BatchRules {
  functionArn: string;
  reportsItemFailures: boolean;
  bisects: boolean;
  /** -1 retries until the records are too old. */
  maxRetries: number;
  /** Seconds; -1 keeps them for as long as the stream does. */
  maxAgeSeconds: number;
}

export interface GivenUp {
  requestId: string;
  records: LambdaRecord[];
  attempts: number;
  condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
}

export interface BatchSurroundings {
  functions: FunctionHost;
  now(): number;
  /** Waits before the next try; rejects when the stack stops. */
  pause(ms: number): Promise<void>;
  giveUp(what: GivenUp): Promise<void>;
}

/** Delivers records in order until they are done or given up: partial failures continue at the first failed record. */
export async function deliver(records: LambdaRecord[], rules: BatchRules, at: BatchSurroundings): Promise<void> {
  let left = records;
  let requestId = '';
  for (let attempts = 0; left.length > 0; ) {
    const condition = spent(left, attempts, rules, at.now());
    if (condition) return at.giveUp({ requestId: requestId || randomUUID(), records: left, attempts, condition });
    const payload = JSON.stringify({ Records: left });
    const outcome = await invokeOnceFree(at.functions, rules.functionArn, payload, at.pause);
    requestId = outcome.requestId;
    const done = 'payload' in outcome ? doneCount(outcome.payload, left, rules) : 0;
    if (done === left.length) return;
    attempts += 1;
    await at.pause(Math.min(100 * 2 ** Math.min(attempts, 10), 5_000));
    if (done === 0 && rules.bisects && left.length > 1) {
      const half = Math.ceil(left.length / 2);
      await deliver(left.slice(0, half), rules, at);
      return deliver(left.slice(half), rules, at);
    }
    left = left.slice(done);
  }
}

function spent(
  records: LambdaRecord[],
  attempts: number,
  rules: BatchRules,
  now: number,
): GivenUp['condition'] | undefined {
  if (rules.maxRetries >= 0 && attempts > rules.maxRetries) return 'RetryAttemptsExhausted';
  const oldest = records[0]?.dynamodb.ApproximateCreationDateTime ?? 0;
  if (attempts > 0 && rules.maxAgeSeconds >= 0 && now / 1000 - oldest > rules.maxAgeSeconds) return 'RecordAgeExceeded';
  return undefined;
}

/**
 * How many records of the batch need not be seen again. A name that is not in the batch fails all of it, as in Lambda.
 */
function doneCount(payload: string, records: LambdaRecord[], rules: BatchRules): number {
  if (!rules.reportsItemFailures) return records.length;
  const answer = JSON.parse(payload) as { batchItemFailures?: { itemIdentifier?: string }[] | null } | null;
  const failures = answer?.batchItemFailures ?? [];
  if (failures.length === 0) return records.length;
  const positions = failures.map(({ itemIdentifier }) =>
    records.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === itemIdentifier),
  );
  return Math.max(0, Math.min(...positions));
}
