import type { Spent, Wire } from '../wire.ts';
import { type Locks, leaseMs } from './locks.ts';

/**
 * Lets one contender lead and others wait for longer than a lease, crashes the leader, and answers what was spent from
 * then on until a successor leads and the others have had time to hear of it.
 */
export async function failover(locks: Locks, wire: Wire, group: string, contenders: number): Promise<Spent> {
  const leader = locks.contend(group, 'leader');
  await leader.leads;
  const waiting = Array.from({ length: contenders }, (_, at) => locks.contend(group, `contender-${at}`));
  await pause(leaseMs * 1.5);
  const spent = await wire.during(async () => {
    leader.crash();
    await Promise.race(waiting.map(({ leads }) => leads));
    await pause(leaseMs / 4);
  });
  for (const contender of waiting) contender.crash();
  await quiet(wire);
  return spent;
}

/** Requests in flight when the contenders crashed must not count for the next ones. */
async function quiet(wire: Wire): Promise<void> {
  for (let before = -1; before !== wire.spent().requests; await pause(300)) before = wire.spent().requests;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
