import type { Spent, Wire } from '../wire.ts';
import { type Locks, leaseMs } from './locks.ts';

export interface Failover {
  readonly sinceCrash: Spent;
  /** Without the looks of those that wait for the lease to end, which they send as long as it is renewed, too. */
  readonly sinceExpiry: Spent;
}

/**
 * Lets one contender lead and others wait for longer than a lease, crashes the leader when it has renewed, and counts
 * what is spent from then on until a successor leads and the others have had time to hear of it.
 */
export async function failover(locks: Locks, wire: Wire, group: string, contenders: number): Promise<Failover> {
  const leader = locks.contend(group, 'leader');
  await leader.leads;
  const waiting = Array.from({ length: contenders }, (_, at) => locks.contend(group, `contender-${at}`));
  await pause(leaseMs * 1.5);
  await leader.renewed();
  leader.crash();
  const untilExpiry = await wire.during(() => pause(leaseMs));
  const sinceExpiry = await wire.during(async () => {
    await Promise.race(waiting.map(({ leads }) => leads));
    await pause(leaseMs / 4);
  });
  for (const contender of waiting) contender.crash();
  await quiet(wire);
  return { sinceCrash: sum(untilExpiry, sinceExpiry), sinceExpiry };
}

function sum(one: Spent, other: Spent): Spent {
  return {
    requests: one.requests + other.requests,
    readUnits: one.readUnits + other.readUnits,
    writeUnits: one.writeUnits + other.writeUnits,
  };
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
