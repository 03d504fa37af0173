/** Looks at what the service works on until it has ended, also while the service cannot be reached. */
import type { TenureClient } from '../../client/tenure-client.ts';
import { hasCode } from '../../client/tenure-error.ts';
import { sleep } from '../../client/time.ts';
import { durationOption } from '../duration.ts';
import { ExitError, exitCodes } from '../exit.ts';

export interface Following<Status> {
  readonly client: TenureClient;
  /** One look. It may fail while the service restarts. */
  look(): Promise<Status>;
  hasEnded(status: Status): boolean;
  onStatus(status: Status): void;
  /** The service cannot be reached at present. */
  onOutage(error: Error): void;
  /** How long to look at most, ms. */
  readonly timeoutMs: number;
}

export type Followed<Status> =
  | { readonly kind: 'ended'; readonly status: Status }
  /** `outage`: why the service could not be asked at the end. */
  | { readonly kind: 'timed-out'; readonly status: Status; readonly outage: Error | undefined };

const lookEveryMs = 500;

/** Looks until it has ended, or the time is over. Throws what no restart of the service explains. */
export async function follow<Status>(begun: Status, following: Following<Status>): Promise<Followed<Status>> {
  const { client, look, hasEnded, onStatus, onOutage, timeoutMs } = following;
  const endsAt = client.time.monotonic() + timeoutMs;
  let status = begun;
  let outage: Error | undefined;
  while (!hasEnded(status)) {
    const leftMs = endsAt - client.time.monotonic();
    if (leftMs <= 0) return { kind: 'timed-out', status, outage };
    await sleep(client.time, Math.min(lookEveryMs, leftMs));
    try {
      status = await look();
      outage = undefined;
      onStatus(status);
    } catch (error) {
      if (!hasCode(error, 'unreachable', 'unavailable', 'throttled')) throw error;
      outage = error;
      onOutage(error);
    }
  }
  return { kind: 'ended', status };
}

/** The option of the commands that wait. */
export const timeoutOption = () => durationOption('--timeout <duration>', 'how long to wait for the end', '24h');

/** Ends a command whose time was over: with the error of the service when that could not be asked any more. */
export function endTimedOut(outage: Error | undefined): never {
  throw outage ?? new ExitError(exitCodes.timedOut);
}
