import { describe, expect, test } from 'vitest';
import type { LeaderElector } from '../../../../client/leadership/elector.ts';
import { ManualTime } from '../../../support/manual-time.ts';
import { FakeLink, FakeService } from '../fake-service.ts';
import { type Contestant, contestant, contestantOn } from './contestant.ts';

const leaseMs = 9_000;
const leading = (contestants: Contestant[]) => contestants.find(({ elector }) => elector.isLeader());

async function waitingBeside(leader: Contestant & { time: ManualTime }, options = {}) {
  const standby = contestant('b', options, leader.time, leader.link.service);
  leader.elector.start();
  await leader.time.advance(0);
  standby.elector.start();
  await leader.time.advance(1_000);
  return standby;
}

describe('with a waiting contender, ten of ten hand-overs go to it,', () => {
  test.each<[string, (leader: Contestant) => unknown]>([
    ['after resign()', ({ elector }) => void elector.resign()],
    ['after a revocation', ({ link }) => link.service.revoke()],
    ['after an operator asked for it', ({ link: { service } }) => Object.assign(service, { handOver: {} })],
  ])('%s', async (_, end) => {
    const time = new ManualTime();
    const service = new FakeService(time);
    const both = ['a', 'b'].map((name) => contestantOn(name, new FakeLink(service), time));
    for (const { elector } of both) {
      elector.start();
      await time.advance(700);
    }
    for (let round = 0; round < 10; round += 1) {
      const before = leading(both) as Contestant;
      end(before);
      await time.advance(3 * leaseMs);
      expect(leading(both)).not.toBe(before);
      expect(leading(both)).toBeDefined();
    }
    expect(service.version).toBe(11);
  });
});

test('stayOut: false lets the process that resigned lead again at once', async () => {
  const { elector, time, events } = contestant('a');
  elector.start();
  await time.advance(1_000);
  void elector.resign({ stayOut: false });
  await time.advance(100);
  expect(events.slice(-2)).toEqual(['granted 2', 'confirmed 2']);
});

test('who is alone is told that it waits, and leads again when its bar ends', async () => {
  const { elector, time, events } = contestant('a');
  elector.start();
  await time.advance(1_000);
  void elector.resign();
  await time.advance(8_900);
  expect(events.slice(2)).toEqual(['revoked 1 resigned', 'waiting']);
  await time.advance(leaseMs / 3 + 200);
  expect(events.slice(-2)).toEqual(['granted 2', 'confirmed 2']);
});

test('a resignation is seen within a third of the lease, with a median of a sixth', async () => {
  const waits: number[] = [];
  for (let phase = 0; phase < 3_000; phase += 150) {
    const a = contestant('a');
    const b = await waitingBeside(a);
    await a.time.advance(3_000 + phase);
    void a.elector.resign();
    const resignedAt = a.time.real;
    await a.time.advance(leaseMs);
    const granted = b.link.requests.findLast(({ step }) => step === 'contend');
    waits.push((granted?.at ?? Number.POSITIVE_INFINITY) - resignedAt);
    expect(b.elector.isLeader()).toBe(true);
  }
  waits.sort((one, other) => one - other);
  expect(waits[waits.length / 2]).toBeLessThanOrEqual(leaseMs / 6 + 500);
  expect(waits.at(-1)).toBeLessThanOrEqual(leaseMs / 3);
});

test('handoverPollMs: 0 sleeps until the lease would have run out', async () => {
  const a = contestant('a');
  const b = await waitingBeside(a, { handoverPollMs: 0 });
  await a.time.advance(5_000);
  expect(b.link.count('observe')).toBe(0);
  void a.elector.resign();
  await a.time.advance(2_000);
  expect(b.elector.isLeader()).toBe(false);
  await a.time.advance(3_000);
  expect(b.elector.isLeader()).toBe(true);
});

test('a standby costs no more requests than a leader', async () => {
  const a = contestant('a');
  const b = await waitingBeside(a);
  const [before, beforeB] = [a.link.requests.length, b.link.requests.length];
  await a.time.advance(60 * leaseMs);
  expect(b.link.requests.length - beforeB).toBeLessThanOrEqual(a.link.requests.length - before);
  expect(b.link.requests.slice(beforeB).every(({ step }) => step === 'observe')).toBe(true);
});

test('who cannot look asks all the same, after most of a minute', async () => {
  const leader = contestant('leader');
  const { time } = leader;
  const standby = await waitingBeside(leader);
  for (let at = 0; at < 50; at += 1) standby.link.next('observe', { kind: 'status', status: 403 });
  leader.link.offline = true;
  const before = standby.link.count('contend');
  await time.advance(15_000);
  expect(standby.link.count('contend')).toBe(before);
  await time.advance(75_000);
  expect(standby.elector.isLeader()).toBe(true);
});

test('an operator hands over: the work stops first, then the lease goes to the successor', async () => {
  const order: string[] = [];
  const { elector, link, time, events } = contestant('a', {
    lead: ({ signal }) =>
      new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => {
          order.push(`stopped, resigned ${link.count('resign')} times`);
          resolve();
        }),
      ),
  });
  elector.start();
  await time.advance(1_000);
  link.service.handOver = { successor: 'b' };
  await time.advance(2_500);
  expect(order).toEqual(['stopped, resigned 0 times']);
  expect(link.requests.find(({ step }) => step === 'resign')?.body).toEqual({
    successor: 'b',
    stayOut: true,
    reason: 'an operator asked it to hand over',
  });
  expect(events).toContain('revoked 1 resigned');
});

describe('one term after the other', () => {
  test('onRevoked of a term never overlaps onGranted of the next', async () => {
    const order: string[] = [];
    const { elector, link, time } = contestant('a', {
      onGranted: ({ fencingVersion }) => void order.push(`granted ${fencingVersion}`),
      onRevoked: async (_, { fencingVersion }) => {
        order.push(`revoking ${fencingVersion}`);
        await new Promise<void>((resolve) => time.setTimer(25_000, resolve));
        order.push(`revoked ${fencingVersion}`);
      },
    });
    elector.start();
    await time.advance(1_000);
    link.service.revoke();
    await time.advance(60_000);
    expect(order.slice(0, 4)).toEqual(['granted 1', 'revoking 1', 'revoked 1', 'granted 2']);
  });

  test('prepare, the confirmation, and lead until the term is over; lead that returns resigns', async () => {
    const order: string[] = [];
    let finish = () => {};
    const { elector, link, time, events } = contestant('a', {
      prepare: () => void order.push(`prepare, confirmed ${link.count('confirm')} times`),
      lead: () => {
        order.push(`lead, confirmed ${link.count('confirm')} times`);
        return new Promise<void>((resolve) => (finish = resolve));
      },
    });
    elector.start();
    await time.advance(20_000);
    expect(order).toEqual(['prepare, confirmed 0 times', 'lead, confirmed 1 times']);
    expect(elector.confirmedSessionId).not.toBeNull();
    finish();
    await time.advance(100);
    expect(events).toEqual(['granted 1', 'confirmed 1', 'revoked 1 resigned', 'waiting']);
    expect(link.service.ended).toEqual({ version: 1, reason: 'resigned' });
  });

  test('lead that throws gives the lease back and reports the error', async () => {
    const { elector, link, time, errors } = contestant('a', {
      lead: () => {
        throw new Error('no disk');
      },
    });
    elector.start();
    await time.advance(1_000);
    expect(errors).toEqual([new Error('no disk')]);
    expect(link.service.holder).toBeUndefined();
  });
});

describe('a callback may end its own term:', () => {
  type Hook = 'onGranted' | 'onConfirmed' | 'onRevoked' | 'prepare' | 'lead' | 'onRenewed';
  const hooks: Hook[] = ['onGranted', 'onConfirmed', 'onRevoked', 'prepare', 'lead', 'onRenewed'];
  const acts: [string, (elector: LeaderElector) => Promise<void>][] = [
    ['close()', (elector) => elector.close()],
    ['resign()', (elector) => elector.resign()],
  ];
  test.each(hooks.flatMap((hook) => acts.map(([name, act]) => [name, hook, act] as const)))(
    '%s inside %s neither deadlocks nor runs twice',
    async (_, hook, act) => {
      let returned = 0;
      const { elector, link, time, events } = contestant('a', {
        contendAgain: false,
        [hook]: async () => {
          if (returned > 0) return;
          await act(elector);
          returned += 1;
        },
      });
      elector.start();
      await time.advance(4_000);
      if (hook === 'onRevoked') {
        void elector.resign();
        await time.advance(1_000);
      }
      expect(returned).toBe(1);
      expect(link.count('resign')).toBe(1);
      expect(events.filter((event) => event.startsWith('revoked')).length).toBeLessThanOrEqual(1);
      await elector.close();
      expect(time.pendingTimers).toBe(0);
    },
  );
});
