import { constants } from 'node:os';
import type { Term } from '../../client/leadership/term.ts';
import { sleep } from '../../client/time.ts';
import { Exit, exitCodes } from '../exit.ts';
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

/** Leads term after term as asked, and throws the Exit that `tenure lead` ends with, or what kept it from contending. */
export async function lead(settings: LeadSettings, { stay, restart }: Persistence): Promise<never> {
  const { report, signals } = settings;
  let previous: Term | undefined;
  let failures = 0;
  for (;;) {
    const outcome = await leadOneTerm(settings, previous);
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind === 'ended') report.ended(outcome.ending.said, outcome.ending.code);
    const again =
      (outcome.kind === 'lost' && stay) || (outcome.kind === 'ended' && restart && runnable(outcome.ending));
    if (!again || signals.asked) throw new Exit(codeOf(outcome));
    previous = outcome.term;
    failures = failedSoon(outcome) ? failures + 1 : 0;
    await untilAsked(settings, failures === 0 ? 0 : Math.min(longestPauseMs, 500 * 2 ** failures));
    if (signals.asked) throw new Exit(128 + constants.signals[signals.asked]);
  }
}

/** Whether it may well go on like this at once, round after round. */
function failedSoon(outcome: Outcome): boolean {
  if (outcome.kind === 'ended') return outcome.ranMs < steadyMs;
  // Given up here: it could not get ready, or its confirmation was refused.
  return outcome.kind === 'lost' && outcome.loss.reason === 'resigned';
}

function runnable({ code }: { code: number }): boolean {
  return code !== 126 && code !== 127;
}

function codeOf(outcome: Exclude<Outcome, { kind: 'failed' }>): number {
  if (outcome.kind === 'ended') return outcome.ending.code;
  return outcome.kind === 'lost' ? exitCodes.notLeader : 128 + constants.signals[outcome.signal];
}

/** Waits before the next round; a signal that asks for the end ends the waiting. */
async function untilAsked({ client, signals }: LeadSettings, ms: number): Promise<void> {
  const waiting = new AbortController();
  const stopListening = signals.listen(() => {
    if (signals.asked) waiting.abort();
  });
  await sleep(client.time, ms, waiting.signal);
  stopListening();
}
