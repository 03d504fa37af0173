import type { MemoryReplica } from '../../support/log/memory-replica.ts';
import { birth, enduring, recoverOne, type Stage } from './actors.ts';

/** Wipes replicas, or brings back old content, as long as a quorum of the others votes. */
export function disasters(stage: Stage): void {
  const { dice, world } = stage;
  const old = new Map<string, Pick<MemoryReplica, 'meta' | 'actions'>>();
  const pace = dice.pick([700, 2_000, 6_000]);
  const happen = () => {
    if (!stage.storm) return;
    strike(stage, dice.pick(stage.replicas), old);
    const kept = dice.pick(stage.replicas);
    old.set(kept.id, { meta: kept.meta, actions: new Map(kept.actions) });
    world.at(dice.integer(100, 100 + pace), happen);
  };
  world.at(dice.integer(0, pace), happen);
  if (dice.chance(0.5)) ambush(stage);
}

/**
 * Wipes a replica at the worst moment: it alone holds what was just written, the other messages are still on their way.
 */
function ambush(stage: Stage): void {
  const { dice, world, replicas } = stage;
  const look = () => {
    if (!stage.storm) return;
    const voting = replicas.filter(({ inForce }) => inForce.status === 'VOTING');
    const [first, second] = voting.toSorted((one, other) => other.inForce.end - one.inForce.end);
    if (first && second && first.inForce.end > second.inForce.end && dice.chance(0.15)) strike(stage, first, new Map());
    world.at(dice.integer(10, 50), look);
  };
  world.at(dice.integer(0, 1_000), look);
}

function strike(stage: Stage, victim: MemoryReplica, old: Map<string, Pick<MemoryReplica, 'meta' | 'actions'>>): void {
  const { dice, replicas, world, counts } = stage;
  const others = replicas.filter((replica) => replica !== victim && replica.inForce.status === 'VOTING');
  const quorum = stage.members.isQuorum(others.map(({ id }) => id));
  const untouched = replicas.every((replica) => replica.inForce.status === 'EMPTY');
  if (!quorum && !untouched) return;
  const snapshot = old.get(victim.id);
  if (snapshot && dice.chance(0.25)) victim.restore(snapshot.meta, snapshot.actions);
  else victim.wipe();
  counts.wipes += 1;
  const parts = stage.partsFor(birth(stage, 'alarmed'));
  const lost = parts.replicas.find(({ id }) => id === victim.id);
  if (lost) world.at(dice.integer(0, 300), () => world.start(() => enduring(() => recoverOne(stage, parts, lost))));
}
