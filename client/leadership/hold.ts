import type * as z from 'zod/mini';
import type { metadata } from '../../api/operations/leadership.ts';
import type { TenureClient } from '../tenure-client.ts';
import { TenureError } from '../tenure-error.ts';
import { sleep } from '../time.ts';
import type { Announcer } from './events.ts';
import { lossOf } from './loss.ts';
import type { CheckedSettings } from './settings.ts';
import { readClocks, type Term } from './term.ts';

/** What a leader shows to observers once it is confirmed. */
export interface Publication {
  /** Where the leader is reached; at most 256 characters. */
  readonly address: string;
  /** At most 256 bytes of JSON. */
  readonly metadata?: z.input<typeof metadata>;
}

/** A term that is held, and how far it has come. */
export interface Lead {
  readonly term: Term;
  readonly client: TenureClient;
  readonly settings: CheckedSettings;
  readonly announcer: Announcer;
  readonly publication: Publication;
  confirmed: boolean;
}

/** How often a sleeping renewal looks whether the wall clock jumped. */
const glanceMs = 1_000;

/** Lets the owner get ready, then confirms; a leader that cannot gives its term up. Does nothing once the term is over. */
export async function prepareAndConfirm(lead: Lead): Promise<void> {
  const { term, client, settings, announcer, publication } = lead;
  try {
    await announcer.tell('onGranted', term);
  } catch (error) {
    return giveUp(term, 'could not get ready', error);
  }
  const { metadata, address } = publication;
  while (!term.loss) {
    try {
      await client.confirm(term.group, term, { address, ...(metadata && { metadata }) }, singleTry(lead));
      if (term.loss) return;
      lead.confirmed = true;
      return announcer.announce('onConfirmed', term);
    } catch (error) {
      if (term.loss) return;
      const loss = lossOf(error);
      if (loss) return term.end(loss);
      announcer.error(error);
      if (!(error instanceof TenureError && error.retryable)) return giveUp(term, 'could not be confirmed', error);
      await sleep(client.time, pauseMs(lead, settings, error), term.signal);
    }
  }
}

/** Renews until the term is over. A renewal that fails is tried again inside the deadline. */
export async function keepRenewing(lead: Lead): Promise<void> {
  const { term, client, settings, announcer } = lead;
  const { leaseMs, renewEveryMs } = settings;
  let suspended = false;
  const suspend = (error?: unknown) => {
    if (!suspended) announcer.announce('onSuspended', term, error);
    suspended = true;
  };
  let dueMs = renewEveryMs - term.ageMs();
  while (!term.loss) {
    await (suspended ? sleep(client.time, dueMs, term.signal) : sleepUnlessInDoubt(lead, dueMs));
    term.endIfPassed();
    if (term.loss) return;
    if (term.inDoubt()) suspend();
    const askedAt = readClocks(client.time);
    try {
      const { address, metadata } = lead.publication;
      const published = lead.confirmed ? { address, ...(metadata && { metadata }) } : {};
      await client.renew(term.group, term, { leaseMs, ...published }, singleTry(lead));
      term.extend(askedAt, leaseMs);
      announcer.announce('onRenewed', term);
      if (suspended) announcer.announce('onReconnected', term);
      suspended = false;
      dueMs = renewEveryMs - term.ageMs();
    } catch (error) {
      if (term.loss) return;
      const loss = lossOf(error);
      if (loss) return term.end(loss);
      announcer.error(error);
      suspend(error);
      dueMs = pauseMs(lead, settings, error);
    }
  }
}

/** After the machine slept the monotonic clock has hardly moved: the wall tells, and the renewal is sent at once. */
async function sleepUnlessInDoubt({ term, client }: Lead, ms: number): Promise<void> {
  const endsAt = client.time.monotonic() + ms;
  while (!term.loss && !term.inDoubt()) {
    const leftMs = endsAt - client.time.monotonic();
    if (leftMs <= 0) return;
    await sleep(client.time, Math.min(leftMs, glanceMs), term.signal);
  }
}

function singleTry({ term, settings }: Lead) {
  const timeoutMs = Math.max(1, Math.min(settings.requestTimeoutMs, term.remainingMs()));
  return { retry: false, timeoutMs, deadlineMs: timeoutMs, signal: term.signal };
}

/** As long as the service asks, though never so long that no try is left before the deadline. */
function pauseMs({ term, client }: Lead, { renewEveryMs }: CheckedSettings, error: unknown): number {
  const asked = error instanceof TenureError ? (error.retryAfterMs ?? 0) : 0;
  const backoff = Math.min(1_000, renewEveryMs / 4) * (0.5 + client.random() / 2);
  return Math.min(Math.max(asked, backoff), Math.max(10, term.remainingMs() / 2));
}

function giveUp(term: Term, what: string, cause: unknown): void {
  const why = cause instanceof Error ? cause.message : String(cause);
  term.end({
    reason: 'resigned',
    detail: `The leader of term ${term.fencingVersion} of ${term.group} ${what}: ${why}`,
  });
}
