import { setTimeout } from 'node:timers/promises';
import type { Contender, System, Way } from './system.ts';

/**
 * One group: its leader is killed again and again, and each time a newcomer takes the victim's place among those who
 * wait.
 */
export interface Lane {
  readonly contenders: Contender[];
  readonly start: () => Contender;
  leader: Contender;
}

/** Time for a newcomer to start waiting and for a leader to renew: nothing is killed earlier. */
const settledMs = 2_500;

/** A machine that takes longer measures itself. */
const patienceMs = 60_000;

/** The first leads before the others begin: a crowd of processes that all start at once measures the machine. */
export async function openLane(system: System, group: string): Promise<Lane> {
  let started = 0;
  const start = () => system.contend(group, `contender-${started++}`);
  const leader = start();
  await firstOf([leader]);
  return { contenders: [leader, start(), start()], start, leader };
}

/** A leader that loses its lease although nobody killed it, so often in a row, says that the machine is too busy. */
const mostLosses = 3;

/** Kills the leader some time after things have settled; returns the ms until another one leads. */
export async function killed(lane: Lane, afterMs: number, way: Way): Promise<number> {
  for (let losses = 0; losses <= mostLosses; losses += 1) {
    await setTimeout(settledMs + afterMs);
    const { contenders, leader } = lane;
    contenders.splice(contenders.indexOf(leader), 1);
    const successor = await leadsAlready(contenders);
    const at = leader.kill(successor ? 'machine' : way);
    lane.leader = successor ?? (await firstOf(contenders));
    const took = (await lane.leader.leads) - at;
    contenders.push(lane.start());
    if (!successor) return took;
  }
  throw new Error(`A leader lost its lease ${mostLosses} times before it was killed: the machine is too busy`);
}

async function leadsAlready(contenders: Contender[]): Promise<Contender | undefined> {
  const leading = contenders.map((contender) => contender.leads.then(() => contender));
  return Promise.race([...leading, setTimeout(0, undefined)]);
}

async function firstOf(contenders: Contender[]): Promise<Contender> {
  const leading = contenders.map((contender) => contender.leads.then(() => contender));
  const ended = contenders.map(({ ended }) => ended.then(() => Promise.reject(new Error('A contender has ended'))));
  const late = new AbortController();
  const tooLate = setTimeout(patienceMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`Nobody leads after ${patienceMs / 1_000} s: the machine is too busy, or the system failed`);
  });
  // The loser of the race may fail later.
  for (const one of [...ended, tooLate]) one.catch(() => {});
  try {
    return await Promise.race([...leading, ...ended, tooLate]);
  } finally {
    late.abort();
  }
}

/**
 * That many phases between 0 and 1: one at random in each equal part, in random order, so that chance favours nobody.
 */
export function phases(count: number): number[] {
  const even = Array.from({ length: count }, (_, at) => ({
    phase: (at + Math.random()) / count,
    order: Math.random(),
  }));
  return even.toSorted((a, b) => a.order - b.order).map(({ phase }) => phase);
}
