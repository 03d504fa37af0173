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

export async function openLane(system: System, group: string): Promise<Lane> {
  let started = 0;
  const start = () => system.contend(group, `contender-${started++}`);
  const contenders = [start(), start(), start()];
  return { contenders, start, leader: await firstOf(contenders) };
}

/** Kills the leader some time after things have settled; returns the ms until another one leads. */
export async function killed(lane: Lane, afterMs: number, way: Way): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, settledMs + afterMs));
  const { contenders, leader } = lane;
  contenders.splice(contenders.indexOf(leader), 1);
  const at = leader.kill(way);
  lane.leader = await firstOf(contenders);
  const took = (await lane.leader.leads) - at;
  contenders.push(lane.start());
  return took;
}

function firstOf(contenders: Contender[]): Promise<Contender> {
  return Promise.race(contenders.map((contender) => contender.leads.then(() => contender)));
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
