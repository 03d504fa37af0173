import { constants } from 'node:os';
import { assertNever } from '../../api/assert-never.ts';
import type { Term } from '../../client/leadership/term.ts';
import type { TenureError } from '../../client/tenure-error.ts';
import { sleep } from '../../client/time.ts';
import { ExitError, exitCodes } from '../exit.ts';
import { duration } from '../output.ts';
import { type LeadSettings, leadOneTerm, type Outcome } from './term-run.ts';

export interface Persistence {
  /** Contend again when leadership was lost. */
  readonly stay: boolean;
  /** Contend again when the command ended. */
  readonly restart: boolean;
}

/** A command that runs this long is not taken for one that fails at once. */
const steadyMs = 10_000;
const longestPauseMs = 30_000;

/**
 * Leads term after term as asked, and throws the ExitError that `tenure lead` ends with, or what kept it from
 * contending.
 */
export async function lead(settings: LeadSettings, { stay, restart }: Persistence): Promise<never> {
  const { report, signals } = settings;
  let previous: Term | undefined;
  let failures = 0;
  do {
    const outcome = await leadOneTerm(settings, previous);
    if (outcome.kind === 'failed' || outcome.kind === 'held') throw endOf(outcome, settings);
    if (outcome.kind === 'ended') report.ended(outcome.ending);
    const again =
      (outcome.kind === 'lost' && stay) || (outcome.kind === 'ended' && restart && runnable(outcome.ending));
    if (!again || signals.asked) throw endOf(outcome, settings);
    previous = outcome.term;
    failures = failedSoon(outcome) ? failures + 1 : 0;
    await untilAsked(settings, failures === 0 ? 0 : Math.min(longestPauseMs, 500 * 2 ** failures));
  } while (!signals.asked);
  throw new ExitError(128 + constants.signals[signals.asked]);
}

/** The error with which the process ends after its only round. */
export function endOf(outcome: Outcome, settings: LeadSettings): unknown {
  switch (outcome.kind) {
    case 'failed':
      return outcome.error;
    case 'held':
      return new ExitError(exitCodes.notLeader, notLed(outcome.by, settings));
    case 'ended':
      return new ExitError(outcome.ending.code);
    case 'lost':
      return new ExitError(exitCodes.notLeader);
    case 'signalled':
      return new ExitError(128 + constants.signals[outcome.signal]);
    default:
      return assertNever(outcome);
  }
}

/** Whether it may well continue like this at once, round after round. */
function failedSoon(outcome: Outcome): boolean {
  if (outcome.kind === 'ended') return outcome.ranMs < steadyMs;
  // Given up here: it could not get ready, or its confirmation was refused. After a hand-over it waits for its turn
  // like any other.
  return outcome.kind === 'lost' && outcome.loss.reason === 'resigned' && !outcome.loss.handedOver;
}

function runnable({ code }: { code: number }): boolean {
  return code !== 126 && code !== 127;
}

function notLed(held: TenureError | undefined, { group, waitMs }: LeadSettings): string {
  const { holder } = (held?.members ?? {}) as { holder?: { contenderId?: string; fencingVersion?: number } };
  const who = holder
    ? `${holder.contenderId} leads ${group} with fencing version ${holder.fencingVersion}`
    : (held?.message ?? `The lease of ${group} was not granted.`);
  return waitMs
    ? `${who}; gave up after ${duration(waitMs)} (--wait).`
    : `${who}; not waiting for the lease (--no-wait).`;
}

/** Waits before the next round; a signal that asks for the end ends the waiting. */
export async function untilAsked({ client, signals }: LeadSettings, ms: number): Promise<void> {
  const waiting = new AbortController();
  const stopListening = signals.listen(() => {
    if (signals.asked) waiting.abort();
  });
  await sleep(client.time, ms, waiting.signal);
  stopListening();
}
