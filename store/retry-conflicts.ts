import { contention, ProblemError } from '../api/problem.ts';

export type Attempt<Value> = { readonly kind: 'done'; readonly value: Value } | { readonly kind: 'conflict' };

/**
 * Repeats an attempt while another writer changes what it was decided on: each must read again what it decides on.
 * @throws ProblemError `contention`, 503 and retryable, after the last of the tries; `of` names the thing for it:
 *   `group "orders"`.
 */
export async function retryConflicts<Value>(
  { tries, of }: { readonly tries: number; readonly of: string },
  attempt: (tried: number) => Promise<Attempt<Value>>,
): Promise<Value> {
  for (let tried = 1; tried <= tries; tried += 1) {
    const outcome = await attempt(tried);
    if (outcome.kind === 'done') return outcome.value;
  }
  throw new ProblemError(contention, `Too much contention on ${of}: ${tries} tries met another writer. Retry.`, {
    retryAfterMs: 100,
  });
}
