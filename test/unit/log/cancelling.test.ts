import { expect, test } from 'vitest';
import { firstConfiguration } from '../../../log/protocol/configuration.ts';
import { finish, recoveryRound } from '../../../log/protocol/recovery.ts';
import type { RecoveryWorkflow } from '../../../log/recovery-workflow.ts';
import { cancelRecovery, type Replicas } from '../../../log/replicas.ts';
import { appendAs, type CalmLog, calmly, electWriter } from '../../support/log/calm-log.ts';

const name = { group: 'orders', log: 'journal', replica: '3' };

/** The operations on a log in memory, of which one execution is running. */
function roomOf({ parts }: CalmLog): Replicas {
  const workflow: RecoveryWorkflow = { start: () => Promise.reject(new Error('not asked')), stop: async () => ['one'] };
  const registry = {
    read: async () => ({ ...name, autoInitialize: true, createdAt: 1, configuration: firstConfiguration([]) }),
  };
  return { partsOf: () => parts, workflow, registry } as unknown as Replicas;
}

test('a cancelled recovery leaves the replica RECOVERING, and a step of it that is still under way cannot let it vote', () =>
  calmly({}, async (log) => {
    const { parts, replicas } = log;
    await appendAs(parts, await electWriter(parts), 'a', { count: 3 });
    replicas[2]?.wipe();
    const [, , wiped] = parts.replicas;
    if (!wiped) throw new Error('no replica');
    const round = await recoveryRound(parts, wiped, true);
    if (round.phase !== 'catching-up') throw new Error(round.phase);
    expect(await cancelRecovery(roomOf(log), name)).toEqual({ status: 'RECOVERING', executionIds: ['one'] });
    expect(await finish(wiped, round.incarnation)).toBe(false);
    expect(replicas[2]?.inForce.status).toBe('RECOVERING');
    // The next one begins where this one was stopped.
    expect(await recoveryRound(parts, wiped, true)).toMatchObject({ phase: 'catching-up', from: 0, to: 3 });
  }));

test('a replica that votes keeps voting when its catch-up is cancelled', () =>
  calmly({}, async (log) => {
    const before = log.replicas[2]?.inForce;
    expect(await cancelRecovery(roomOf(log), name)).toEqual({ status: 'VOTING', executionIds: ['one'] });
    expect(log.replicas[2]?.inForce).toEqual(before);
  }));
