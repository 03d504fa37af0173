import { expect, test } from 'vitest';
import { hasCode } from '../../../client/index.ts';
import { client, eventually, newGroup } from '../leadership/tenure.ts';
import { begun, ended, start, startProgram } from './backups.ts';
import { type Moment, moments } from './standby.ts';

/** At the others the worker owes somebody an answer. */
const patient: readonly Moment[] = ['half', 'finishing'];

const led = (group: string, contenderId: string) =>
  eventually(`${contenderId} leads ${group}`, () =>
    client()
      .contend(group, { contenderId, leaseMs: 60_000 })
      .catch((error: unknown) => {
        if (hasCode(error, 'leadership_held', 'unreachable', 'unavailable')) return undefined;
        throw error;
      }),
  );

test.concurrent.for(moments)(
  'the leader is killed while the worker is at "%s", and the backup changes nothing',
  async (moment, { onTestFinished }) => {
    const group = newGroup();
    const leader = await startProgram({ onTestFinished }, 'leading-process', group);
    await leader.says('acknowledged 2');
    let killed: Promise<unknown> = Promise.resolve();
    await start({ onTestFinished }, group, 'worker', {
      async at(reached) {
        if (reached !== moment) return;
        leader.child.kill('SIGKILL');
        await leader.ended();
        killed = led(group, 'successor');
        if (patient.includes(moment)) await killed;
      },
    });
    const before = Math.max(...[...leader.output().matchAll(/acknowledged (\d+)/g)].map(([, at]) => Number(at)));
    const { backupId } = await begun(group);
    const status = await ended(group, backupId);
    expect(status).toMatchObject({ state: 'COMPLETED', worker: 'worker', attempt: 1, refusals: [] });
    expect(status.cut?.['events']).toBeGreaterThanOrEqual(before);
    expect(leader.child.signalCode).toBe('SIGKILL');
    await killed;
  },
);
