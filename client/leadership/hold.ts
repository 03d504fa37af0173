import type * as z from 'zod/mini';
import type { termMetadata } from '../../api/operations/leadership.ts';
import type { TenureClient } from '../tenure-client.ts';
import { TenureError } from '../tenure-error.ts';
import { sleep } from '../time.ts';
import type { Announcer, LeaderWork } from './events.ts';
import { type Loss, lossOf } from './loss.ts';
import type { CheckedSettings } from './settings.ts';
import { readClocks, type Term } from './term.ts';

/** A leader's information for observers, shown once it is confirmed. */
export interface Publication {
  /** Where the leader is reached, at most 256 characters; host and process id unless given. */
  readonly address?: string;
  /** At most 256 bytes of JSON. */
  readonly metadata?: z.input<typeof termMetadata>;
}

/** A term that is held, and how far it has come. */
export interface Lead {
  readonly term: Term;
  readonly client: TenureClient;
  readonly settings: CheckedSettings;
  readonly announcer: Announcer;
  readonly publication: Required<Pick<Publication, 'address'>> & Publication;
  readonly work: LeaderWork;
  confirmed: boolean;
  /** The resignation's options, once one is due. */
  resignation: Resignation;
}

/** How a term is given back. */
export interface Resignation {
  /** Has the next lease reserved for one lease time. */
  readonly successor?: string | undefined;
  /** False lets this process take the lease again at once; else it leaves it to others for one lease time. */
  readonly stayOut?: boolean | undefined;
  /** Why, for people: at most 128 characters, shown in the history of the terms. */
  readonly reason?: string | undefined;
}

/** How often a sleeping renewal looks whether the wall clock jumped. */
const glanceMs = 1_000;

/**
 * Prepares, confirms and leads; a leader that cannot gives its term up, and so does one whose work is done. Does
 * nothing once the term is over.
 */
export async function carryOut(held: Lead): Promise<void> {
  const { term, announcer, work } = held;
  const { prepare, lead } = work;
  try {
    if (prepare) await announcer.run(() => prepare(term));
  } catch (error) {
    return giveUp(held, 'could not get ready', error);
  }
  if (!(await confirm(held)) || !lead) return;
  try {
    await announcer.run(() => lead(term));
  } catch (error) {
    return giveUp(held, 'failed', error);
  }
  const detail = `The work of term ${term.fencingVersion} of ${term.group} is done.`;
  resignBecause(held, 'its work was done', { reason: 'resigned', detail });
}

/** Whether observers are shown the leader now. */
async function confirm(held: Lead): Promise<boolean> {
  const { term, client, settings, announcer, publication } = held;
  const { metadata, address } = publication;
  while (!term.loss) {
    try {
      await client.confirm(term.group, term, { address, ...(metadata && { metadata }) }, singleTry(held));
      if (term.loss) return false;
      held.confirmed = true;
      announcer.announce('onConfirmed', term);
      return true;
    } catch (error) {
      if (term.loss) return false;
      const loss = lossOf(error);
      if (loss) term.end(loss);
      else announcer.error(error);
      if (!(error instanceof TenureError && error.retryable)) giveUp(held, 'could not be confirmed', error);
      await sleep(client.time, pauseMs(held, settings, error), term.signal);
    }
  }
  return false;
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
      const { handOver } = await client.renew(term.group, term, { leaseMs, ...published }, singleTry(lead));
      term.extend(askedAt, leaseMs);
      announcer.announce('onRenewed', term);
      if (suspended) announcer.announce('onReconnected', term);
      suspended = false;
      if (handOver) return stepAside(lead, handOver.successor);
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

/** As an operator asked: the work stops, then the lease goes to the successor. */
function stepAside(lead: Lead, successor: string | undefined): void {
  const { term } = lead;
  lead.resignation = { successor, stayOut: true };
  const whom = successor === undefined ? 'the first to contend' : `"${successor}"`;
  const detail = `An operator handed term ${term.fencingVersion} of ${term.group} over to ${whom}.`;
  resignBecause(lead, 'an operator asked it to hand over', { reason: 'resigned', handedOver: true, detail });
}

function giveUp(lead: Lead, what: string, cause: unknown): void {
  const { term } = lead;
  const why = cause instanceof Error ? cause.message : String(cause);
  const detail = `The leader of term ${term.fencingVersion} of ${term.group} ${what}: ${why}`;
  resignBecause(lead, `it ${what}`, { reason: 'resigned', detail });
}

/** Ends the term, unless it is over already, and tells the history why. */
function resignBecause(lead: Lead, reason: string, loss: Loss): void {
  if (lead.term.loss) return;
  lead.resignation = { ...lead.resignation, reason };
  lead.term.end(loss);
}
