/** `tenure semaphore`: each permit is a group of its own; the leader of one of them holds it. */
import { constants } from 'node:os';
import { ExitError, exitCodes } from '../exit.ts';
import { duration } from '../output.ts';
import { endOf, untilAsked } from './run.ts';
import { type LeadSettings, leadOneTerm } from './term-run.ts';

/** The group that stands for a permit. */
export const permitGroup = (name: string, permit: number) => `${name}.permit-${permit}`;

/** So that two that wait for one permit do not ask at the same moment, again and again. */
const shortestPauseMs = 250;

/**
 * Runs the command while one of the permits is held, whichever is free first. `settings.group` is the semaphore's name.
 * @throws the ExitError that the process ends with.
 */
export async function leadOnePermit(settings: LeadSettings, permits: number): Promise<never> {
  const { client, group: name, env, waitMs, leaseMs, handoverPollMs, report, signals } = settings;
  // 0 is to sleep until a lease would run out.
  const mostMs = handoverPollMs === 0 ? Number.POSITIVE_INFINITY : (handoverPollMs ?? leaseMs / 3);
  const endsAt = waitMs === undefined ? Number.POSITIVE_INFINITY : client.time.monotonic() + waitMs;
  let tries = 0;
  do {
    const { permit, availableInMs } = await firstFree(settings, permits);
    if (availableInMs === 0) {
      const holding = { ...settings, group: permitGroup(name, permit), waitMs: 0 };
      const outcome = await leadOneTerm({ ...holding, env: { ...env, TENURE_PERMIT: `${permit}` } }, undefined);
      if (outcome.kind === 'ended') report.ended(outcome.ending);
      if (outcome.kind !== 'held') throw endOf(outcome, holding);
    }
    const leftMs = endsAt - client.time.monotonic();
    if (leftMs <= 0) throw new ExitError(exitCodes.notLeader, allHeld(name, permits, waitMs));
    if (tries === 0) report.note(`waiting: all ${permits} permits are held`);
    const pauseMs = shortestPauseMs + client.random() * Math.min(availableInMs, mostMs);
    await untilAsked(settings, Math.min(leftMs, pauseMs));
    tries += 1;
  } while (!signals.asked);
  throw new ExitError(128 + constants.signals[signals.asked]);
}

/** Looks at every permit, beginning anywhere, so that contenders spread over them. */
async function firstFree({ client, group: name }: LeadSettings, permits: number) {
  const begin = Math.floor(client.random() * permits);
  let soonest = { permit: begin + 1, availableInMs: Number.POSITIVE_INFINITY };
  for (let step = 0; step < permits; step += 1) {
    const permit = ((begin + step) % permits) + 1;
    const { availableInMs } = await client.observe(permitGroup(name, permit), { consistent: true });
    if (availableInMs < soonest.availableInMs) soonest = { permit, availableInMs };
    if (availableInMs === 0) break;
  }
  return soonest;
}

function allHeld(name: string, permits: number, waitMs: number | undefined): string {
  const gaveUp = waitMs ? `gave up after ${duration(waitMs)} (--wait)` : 'not waiting for one (--no-wait)';
  return `All ${permits} permits of ${name} are held; ${gaveUp}.`;
}
