import type { CallOptions } from '../request.ts';
import type { TenureClient } from '../tenure-client.ts';
import { hasCode, TenureError } from '../tenure-error.ts';
import { sleep } from '../time.ts';

/** How the end of something is waited for. */
export interface WaitOptions {
  /** Longest wait, ms. @defaultValue 24 hours */
  readonly timeoutMs?: number;
  /** Time from one look to the next, ms. @defaultValue 1,000 */
  readonly everyMs?: number;
  /** Ends the wait; its reason is thrown. */
  readonly signal?: AbortSignal;
}

/**
 * Looks until it has ended; a service that cannot be reached for a moment is asked again.
 * @throws TenureError `timed_out`, or what no restart of the service explains.
 */
export async function untilEnded<Status>(
  client: TenureClient,
  what: string,
  look: (options: CallOptions) => Promise<Status>,
  hasEnded: (status: Status) => boolean,
  { timeoutMs = 86_400_000, everyMs = 1_000, signal }: WaitOptions,
): Promise<Status> {
  const endsAt = client.time.monotonic() + timeoutMs;
  let outage: TenureError | undefined;
  let leftMs = timeoutMs;
  for (let looks = 0; looks === 0 || leftMs > 0; looks += 1) {
    if (looks > 0) await sleep(client.time, Math.min(everyMs, leftMs), signal);
    signal?.throwIfAborted();
    outage = undefined;
    try {
      const status = await look({ ...(signal && { signal }) });
      if (hasEnded(status)) return status;
    } catch (error) {
      if (!hasCode(error, 'unreachable', 'unavailable', 'throttled')) throw error;
      outage = error;
    }
    leftMs = endsAt - client.time.monotonic();
  }
  throw outage ?? timedOut(what, timeoutMs);
}

/** The error of one that was waited for and failed. `name` is also the member that holds its status. */
export function failedError(
  name: 'backup' | 'restore',
  id: string,
  group: string,
  status: { readonly error?: { readonly code: string; readonly message: string } | null | undefined },
): TenureError {
  const { code = 'unknown', message = 'no reason is recorded' } = status.error ?? {};
  const title = name === 'backup' ? 'Backup' : 'Restore';
  return new TenureError(`${title} ${id} of ${group} failed (${code}): ${message}`, {
    code: `${name}_failed`,
    status: 409,
    retryable: false,
    members: { [name]: status },
    request: `wait for ${name} ${id}`,
  });
}

function timedOut(what: string, timeoutMs: number): TenureError {
  const message = `${what} has not ended within ${timeoutMs} ms. It continues; wait for it again.`;
  return new TenureError(message, { code: 'timed_out', status: 0, retryable: true, request: what });
}
