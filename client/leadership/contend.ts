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
/** With a short lease too, a function that has to start first is waited for: nothing runs out meanwhile. */
const coldStartMs = 2_000;

/**
 * Asks for the lease until it is granted, sleeping as long as the service says instead of polling. Answers undefined when `closing` fires
 * first, and the grant all the same when it fired while the request was under way.
 */
export async function contendUntilGranted(contender: Contender): Promise<Grant | undefined> {
  const { client, closing, announcer, settings } = contender;
  let failures = 0;
  while (!closing.aborted) {
    try {
      const grant = await ask(contender);
      const leftMs = grant.leaseMs - (client.time.monotonic() - grant.askedAt.monotonic);
      return leftMs > settings.leaseMs / 2 ? grant : await renewed(contender, grant);
    } catch (error) {
      if (closing.aborted) return undefined;
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
  const timeoutMs = Math.max(requestTimeoutMs, coldStartMs);
  const options = { timeoutMs, deadlineMs: timeoutMs * 2 };
  const granted = await client.contend(group, { contenderId, leaseMs }, options);
  // A live term that is handed back, to this contender or to a second try, began before it was asked for: only what is left of it counts.
  return {
    fencingVersion: granted.fencingVersion,
    sessionId: granted.sessionId,
    leaseMs: granted.remainingMs,
    askedAt,
  };
}

/** Makes a lease whole that has already gone by half: it would end before its owner is ready. */
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
