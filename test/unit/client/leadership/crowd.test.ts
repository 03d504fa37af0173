import { expect, test } from 'vitest';
import { ManualTime } from '../../../support/manual-time.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { FakeLink, FakeService } from '../fake-service.ts';
import { type Contestant, contestantOn } from './contestant.ts';

const leaseMs = 9_000;
const maxClockSkewMs = 250;

interface Crowd {
  readonly time: ManualTime;
  readonly others: readonly Contestant[];
  readonly expiresAt: number;
  /** Requests of the others, from the end of the lease on. */
  sent(): Contestant['link']['requests'];
}

/** The leader has crashed, its lease ends at this moment, and so many wait for it. */
async function crowd(waiting: number, { roundTripMs = 20, seed = 7 } = {}): Promise<Crowd> {
  const time = new ManualTime();
  const service = new FakeService(time);
  const { next } = seededRandom(seed);
  const link = () => Object.assign(new FakeLink(service), { latencyMs: roundTripMs / 2 });
  const leader = contestantOn('leader', link(), time);
  leader.elector.start();
  await time.advance(1_000);
  const others = Array.from({ length: waiting }, (_, at) => contestantOn(`c${at}`, link(), time, {}, next));
  for (const { elector } of others) {
    elector.start();
    await time.advance(40);
  }
  await time.advance(leaseMs / 3);
  leader.link.offline = true;
  const expiresAt = service.holder?.expiresAt ?? 0;
  await time.advance(expiresAt - time.real);
  const sent = () => others.flatMap(({ link: own }) => own.requests.filter(({ at }) => at >= expiresAt));
  return { time, others, expiresAt, sent };
}

const leads = ({ others }: Crowd) => others.some(({ elector }) => elector.isLeader());
const median = (values: number[]) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];

/** Units spent, and how long after the end of the lease the successor is granted it. */
async function failover(waiting: number, roundTripMs: number, seed: number) {
  const all = await crowd(waiting, { roundTripMs, seed });
  await all.time.advance(maxClockSkewMs + 500 + 8 * roundTripMs);
  expect(leads(all)).toBe(true);
  const count = (wanted: string) => all.sent().filter(({ step }) => step === wanted).length;
  // A contend costs a write unit, granted or refused; the confirmation one read and a transaction of three items, six
  // units; a look half a read.
  const [writeUnits, readUnits] = [count('contend') + 6, count('observe') / 2 + 1];
  const granted = all.sent().find(({ step }) => step === 'confirm')?.at ?? Number.POSITIVE_INFINITY;
  return { writeUnits, readUnits, afterMs: granted - all.expiresAt - maxClockSkewMs };
}

test.each([5, 25, 100, 200])(
  'a fail-over with 100 waiting costs at most 15 write units and 100 reads, and is no slower, %i ms from the service',
  async (roundTripMs) => {
    const runs = [];
    for (let seed = 1; seed <= 3; seed += 1) runs.push(await failover(100, roundTripMs, seed));
    for (const { writeUnits, readUnits } of runs) {
      expect(writeUnits).toBeLessThanOrEqual(15);
      expect(readUnits).toBeGreaterThan(25);
      expect(readUnits).toBeLessThanOrEqual(100);
    }
    // Half a round trip until the end of the lease is known, one for the look, one for the grant.
    expect(median(runs.map(({ afterMs }) => afterMs))).toBeLessThanOrEqual(2.5 * roundTripMs + 25);
  },
);

test('with 100 waiting, a service that becomes slow just then is looked at twice before it is asked', async () => {
  for (const seed of [1, 2, 3]) {
    const all = await crowd(100, { roundTripMs: 10, seed });
    for (const { link } of all.others) link.latencyMs = 150;
    await all.time.advance(4_000);
    expect(leads(all)).toBe(true);
    const count = (wanted: string) => all.sent().filter(({ step }) => step === wanted).length;
    expect(count('contend') + 6).toBeLessThanOrEqual(15);
  }
});

test('a single standby waits no longer than the spread of a crowd and one and a half round trips', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { afterMs } = await failover(1, 50, seed);
    expect(afterMs).toBeLessThanOrEqual(2.5 * 50 + 1.5 * 50 + leaseMs / 20);
  }
});

test.each([
  // Each finds the lease free, asks, and the client asks a second time.
  ['no answer', 200 + 15],
  ['answer lost', 20],
] as const)(
  'with 100 waiting, a service that is overloaded is looked at, not asked again and again: %s',
  async (kind, mostContends) => {
    const all = await crowd(100);
    const { time, others, expiresAt, sent } = all;
    for (const { link } of others) link.next('contend', { kind });
    await time.advance(30_000);
    expect(leads(all)).toBe(true);
    const ofEach = others.map(({ link }) =>
      link.requests.filter(({ at, step }) => at >= expiresAt && step !== 'renew'),
    );
    // After a request for the lease that came to nothing, second try and all, the next thing is a look.
    for (const requests of ofEach) {
      const blind = requests.filter(({ step, key }, at) => {
        const before = requests[at - 1];
        return step === 'contend' && before?.step === 'contend' && before.key !== key;
      });
      expect(blind).toEqual([]);
    }
    expect(sent().filter(({ step }) => step === 'contend').length).toBeLessThanOrEqual(mostContends);
  },
);
