import type { TenureClient } from '../tenure-client.ts';
import { hasCode, TenureError } from '../tenure-error.ts';
import { sleep } from '../time.ts';
import type { Announcer } from './events.ts';
import { lossOf } from './loss.ts';
import type { CheckedSettings } from './settings.ts';
import { type Grant, readClocks } from './term.ts';

export interface Contender {
  readonly client: TenureClient;
  readonly group: string;
  readonly contenderId: string;
  readonly settings: CheckedSettings;
  readonly announcer: Announcer;
  /** Ends the waiting; a request in flight is waited for, because it may be granted. */
  readonly closing: AbortSignal;
}

const firstPauseMs = 250;
const longestPauseMs = 30_000;

/**
 * Asks for the lease until it is granted, sleeping as long as the service says instead of polling. Answers undefined when `closing` fires
 * first, and the grant all the same when it fired while the request was under way.
 */
export async function contendUntilGranted(contender: Contender): Promise<Grant | undefined> {
  const { client, closing, announcer, settings } = contender;
  let failures = 0;
  // The service hands a live term back to the contender that has it, and that lease began before we asked. Only an answer that another
  // holds the lease proves that a grant right after it is new.
  let heldByAnother = false;
  while (!closing.aborted) {
    try {
      const grant = await ask(contender);
      const fresh = heldByAnother && client.time.monotonic() - grant.askedAt.monotonic < settings.leaseMs / 2;
      return fresh ? grant : await renewed(contender, grant);
    } catch (error) {
      if (closing.aborted) return undefined;
      heldByAnother = hasCode(error, 'leadership_held');
      const waiting = hasCode(error, 'leadership_held', 'group_restoring');
      if (waiting) announcer.announce('onWaiting', error);
      else if (!lossOf(error)) announcer.error(error);
      failures = waiting ? 0 : failures + 1;
      await sleep(client.time, pauseMs(contender, error, failures), closing);
    }
  }
  return undefined;
}

async function ask({ client, group, contenderId, settings }: Contender): Promise<Grant> {
  const { leaseMs, requestTimeoutMs } = settings;
  const askedAt = readClocks(client.time);
  const options = { timeoutMs: requestTimeoutMs, deadlineMs: requestTimeoutMs * 2 };
  const granted = await client.contend(group, { contenderId, leaseMs }, options);
  return { fencingVersion: granted.fencingVersion, sessionId: granted.sessionId, leaseMs: granted.leaseMs, askedAt };
}

/** Gives the lease a beginning that is known here. */
async function renewed({ client, group, settings, closing }: Contender, grant: Grant): Promise<Grant> {
  if (closing.aborted) return grant;
  const { leaseMs, requestTimeoutMs } = settings;
  const askedAt = readClocks(client.time);
  try {
    await client.renew(group, grant, { leaseMs }, { timeoutMs: requestTimeoutMs, deadlineMs: requestTimeoutMs * 2 });
  } catch (error) {
    if (closing.aborted) return grant;
    throw error;
  }
  return { ...grant, leaseMs, askedAt };
}

function pauseMs({ client, settings }: Contender, error: unknown, failures: number): number {
  const asked = error instanceof TenureError ? error.retryAfterMs : undefined;
  if (failures === 0) return asked ?? settings.renewEveryMs;
  const backoff = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
  return (asked ?? 0) + backoff * (0.5 + client.random() / 2);
}
