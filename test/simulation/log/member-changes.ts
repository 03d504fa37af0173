import { allReplicas, beginChange, cancelChange, endChange, type Member } from '../../../log/protocol/configuration.ts';
import { nextStep } from '../../../log/protocol/membership.ts';
import { memberOf } from '../../support/log/memory-members.ts';
import { again, enduring, recoverOne, type Stage } from './actors.ts';
import type { Process } from './world.ts';

/**
 * Operators change the members, from 3 to 5 and back, or one for another; each step is done by a process that may die
 * in it.
 */
export function memberChanges(stage: Stage): void {
  const { dice, world, members } = stage;
  again(stage, 30, dice.pick([600, 2_000]), async (parts) => {
    // The parts are of the configuration that stood when they were made, in the same moment.
    const configuration = members.versions.get(parts.configuration);
    if (!configuration || configuration !== members.current) return;
    if (!configuration.next) {
      if (dice.chance(0.3))
        await configure(stage, () => beginChange(configuration, wish(stage, configuration.replicas)));
      return;
    }
    if (dice.chance(0.05)) {
      await configure(stage, () => cancelChange(configuration));
      return;
    }
    const step = await nextStep(parts, configuration, () => true);
    if (stage.variant.skips === 'joint' && step.kind === 'move') {
      members.configure(configuration, { version: configuration.version + 1, replicas: configuration.next.replicas });
      return;
    }
    if (step.kind === 'move') members.configure(configuration, step.to) && noted(stage);
    if (step.kind !== 'wait') return;
    if (stage.variant.skips === 'level') {
      const ended = endChange(configuration);
      if (ended) members.configure(configuration, ended);
    }
    for (const replica of step.recover) world.start(() => enduring(() => recoverOne(stage, parts, replica)));
  });

  async function configure(one: Stage, to: () => typeof members.current): Promise<void> {
    const from = one.members.current;
    one.members.configure(from, to());
    one.oracle.membersChanged();
  }
}

function noted(stage: Stage): void {
  stage.counts.changes += 1;
  stage.oracle.membersChanged();
}

function wish({ dice, replicas }: Stage, members: readonly Member[]): Member[] {
  const free = replicas.map((_, at) => memberOf(at + 1)).filter(({ id }) => !members.some((one) => one.id === id));
  const [first, second] = free;
  if (members.length === 3 && first && second && dice.chance(0.4)) return [...members, first, second];
  const dropped = dice.pick(members);
  const rest = members.filter((member) => member !== dropped);
  if (members.length === 5 && dice.chance(0.5)) {
    const another = dice.pick(rest);
    return rest.filter((member) => member !== another);
  }
  return first ? [...rest, dice.pick(free)] : [...members];
}

/** Brings a change of the members to its end, in calm weather. */
export async function endChanges(stage: Stage, one: Process): Promise<void> {
  const { members } = stage;
  for (let tried = 0; tried < 100 && members.current.next; tried += 1) {
    const configuration = members.current;
    const parts = stage.partsFor(one);
    if (tried > 30) members.configure(configuration, cancelChange(configuration));
    await enduring(async () => {
      const step = await nextStep(parts, configuration, () => true);
      if (step.kind === 'move' && members.configure(configuration, step.to)) noted(stage);
      if (step.kind === 'wait') {
        for (const replica of allReplicas(configuration)) {
          const port = parts.replicas.find(({ id }) => id === replica.id);
          if (port) await recoverOne(stage, parts, port);
        }
      }
    });
    await parts.timer.sleep(200);
  }
}
