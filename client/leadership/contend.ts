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
  readonly instanceId: string;
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
 * After so many failures in a row, most of a minute, a try asks without a look: looks may fail where a request would be
 * granted. Rare, since a hundred that wait may all be kept from looking.
 */
const failuresUntilBlind = 8;

/**
 * Asks for the lease until it is granted. Who has to wait looks from time to time instead of asking: a look costs half
 * a read unit, a refused request a write unit, and the end of a lease that is given back is seen by it. Who got no
 * answer, with the client's own second try, looks too: many that ask again keep an overloaded service overloaded.
 * Resolves to undefined when `closing` fires first, and to the grant all the same when it fired while the request was
 * under way.
 */
export async function contendUntilGranted(contender: Contender): Promise<Grant | undefined> {
  const { client, closing, announcer, settings } = contender;
  let failures = 0;
  let waitMs: number | undefined;
  let roundTripMs = 0;
  let lookedTwice = false;
  const timed = async <Answer>(request: () => Promise<Answer>): Promise<Answer> => {
    const sentAt = client.time.monotonic();
    try {
      return await request();
    } finally {
      roundTripMs = client.time.monotonic() - sentAt;
    }
  };
  while (!closing.aborted) {
    try {
      const isBlind = failures > 0 && failures % failuresUntilBlind === 0;
      const expectedMs = roundTripMs;
      const freeInMs = waitMs === undefined || isBlind ? undefined : await timed(() => lookAgain(contender));
      const isOutOfDate: boolean = freeInMs === 0 && !lookedTwice && tookLong(roundTripMs, expectedMs, settings);
      lookedTwice = isOutOfDate;
      if (freeInMs !== undefined && (freeInMs > 0 || isOutOfDate)) {
        failures = 0;
        waitMs = waitFor(contender, freeInMs, roundTripMs);
        await sleep(client.time, waitMs, closing);
        continue;
      }
      const grant = await timed(() => ask(contender));
      const leftMs = grant.leaseMs - (client.time.monotonic() - grant.askedAt.monotonic);
      return leftMs > settings.leaseMs / 2 ? grant : await renewWhole(contender, grant);
    } catch (error) {
      if (closing.aborted) return undefined;
      const isHeld = hasCode(error, 'leadership_held', 'group_restoring');
      if (isHeld) announcer.announce('onWaiting', error);
      else if (!lossOf(error)) announcer.error(error);
      failures = isHeld ? 0 : failures + 1;
      waitMs = isHeld ? waitFor(contender, error.retryAfterMs ?? settings.renewEveryMs, roundTripMs) : 0;
      await sleep(client.time, isHeld ? waitMs : pauseMs(contender, error, failures), closing);
    }
  }
  return undefined;
}

/** After how many ms this contender can have the lease, or undefined when it may have it already. */
async function lookAgain(contender: Contender): Promise<number | undefined> {
  const { client, group, contenderId, instanceId, settings } = contender;
  const { requestTimeoutMs: timeoutMs } = settings;
  const seen = await client.observe(group, { waiting: contenderId, timeoutMs, deadlineMs: timeoutMs * 2 });
  if (seen.barred?.instanceId === instanceId) return settings.renewEveryMs;
  // A late duplicate of an earlier request may have been granted the lease: it is handed back.
  const isMine = seen.instanceId === instanceId || (seen.reservedFor === contenderId && !seen.leader && !seen.pending);
  return isMine ? undefined : seen.availableInMs;
}

/**
 * Whether a look took so much longer than the one before that a crowd is likely to look at the same time: then the
 * pause before it was too short for the first one's grant to be visible.
 */
function tookLong(tookMs: number, expectedMs: number, { leaseMs }: CheckedSettings): boolean {
  return tookMs > Math.max(3 * expectedMs, leaseMs / 80);
}

/** So many of those that wait look as soon as the lease is free: of a hundred some five. */
const firstLooks = 1 / 20;
const longestSpreadMs = 500;

/**
 * ms until the next look: one every handoverPollMs, and one when the lease should have run out. The grant of the first
 * that looks is visible a round trip after its look, and who looks before then asks in vain. So most look later than a
 * few, and that one after the other, in case none of the few is there.
 */
function waitFor({ client, settings }: Contender, freeInMs: number, roundTripMs: number): number {
  const { leaseMs, handoverPollMs } = settings;
  // The next look in turn would be the first after the end of the lease, at a time that nobody has chosen.
  const isLast = handoverPollMs === 0 || freeInMs < handoverPollMs + roundTripMs;
  if (!isLast) return handoverPollMs;
  const grantVisibleMs = Math.min(1.5 * roundTripMs, leaseMs / 16);
  const isFirst = client.random() < firstLooks;
  return freeInMs + (isFirst ? 0 : grantVisibleMs + client.random() * Math.min(longestSpreadMs, leaseMs / 20));
}

async function ask({ client, group, contenderId, instanceId, settings }: Contender): Promise<Grant> {
  const { leaseMs, requestTimeoutMs } = settings;
  const askedAt = readClocks(client.time);
  const timeoutMs = Math.max(requestTimeoutMs, coldStartMs);
  const options = { timeoutMs, deadlineMs: timeoutMs * 2 };
  const granted = await client.contend(group, { contenderId, instanceId, leaseMs }, options);
  // A live term that is handed back, to this process or to a second try, began before it was asked for: only what is
  // left of it counts.
  return {
    fencingVersion: granted.fencingVersion,
    sessionId: granted.sessionId,
    leaseMs: granted.remainingMs,
    askedAt,
  };
}

/** Makes a lease whole that has already gone by half: it would end before its owner is ready. */
async function renewWhole({ client, group, settings, closing }: Contender, grant: Grant): Promise<Grant> {
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

function pauseMs({ client }: Contender, error: unknown, failures: number): number {
  const asked = error instanceof TenureError ? (error.retryAfterMs ?? 0) : 0;
  const backoff = Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1));
  return asked + backoff * (0.5 + client.random() / 2);
}
