import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Time } from '../../../../client/time.ts';
import { sizes } from '../../../sizes.ts';
import { ManualTime } from '../../../support/manual-time.ts';
import { FakeLink, FakeService } from '../fake-service.ts';
import { contestantOn } from './contestant.ts';

/** One process on the common clocks that can be frozen by itself and whose wall clock can be set. */
class ProcessTime implements Time {
  wallAheadMs = 0;
  #frozen = false;
  #overdue: (() => void)[] = [];

  constructor(readonly common: ManualTime) {}

  now(): number {
    return this.common.now() + this.wallAheadMs;
  }

  monotonic(): number {
    return this.common.monotonic();
  }

  setTimer(ms: number, fire: () => void): () => void {
    let cancelled = false;
    const run = () => {
      if (!cancelled) fire();
    };
    const cancel = this.common.setTimer(ms, () => (this.#frozen ? void this.#overdue.push(run) : run()));
    return () => {
      cancelled = true;
      cancel();
    };
  }

  freeze(link: FakeLink): void {
    if (this.#frozen) return;
    this.#frozen = true;
    let thaw = () => {};
    link.thawed = new Promise((resolve) => (thaw = resolve));
    this.thaw = () => {
      this.#frozen = false;
      link.thawed = undefined;
      for (const fire of this.#overdue.splice(0)) fire();
      thaw();
    };
  }

  thaw: () => void = () => {};
}

const who = fc.integer({ min: 0, max: 2 });
const step = fc.constantFrom('contend', 'confirm', 'renew', 'resign');
const fault = fc.oneof(
  fc.constantFrom({ kind: 'refused' }, { kind: 'answer lost' }, { kind: 'no answer' }, { kind: 'status', status: 503 }),
  fc.record({
    kind: fc.constant('slow'),
    requestMs: fc.integer({ min: 0, max: 4_000 }),
    answerMs: fc.integer({ min: 0, max: 4_000 }),
  }),
);
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.integer({ min: 1, max: 6_000 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fault'), who, step, fault }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('offline', 'online', 'freeze', 'thaw', 'resign', 'close'), who }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke') }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('set clock'), who, ms: fc.integer({ min: -20_000, max: 20_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('callbacks fail'), who }) },
);

type Command = { do: string; who?: number; ms?: number; step?: string; fault?: object };

test('whatever happens in whatever order: one leader at most, and each term ends exactly once', {
  timeout: 120_000,
}, async () => {
  let granted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
      granted += await play(commands as Command[]);
    }),
    { numRuns: sizes.client.electorRuns },
  );
  // The property says nothing when nobody ever leads.
  expect(granted).toBeGreaterThan(sizes.client.electorRuns);
});

async function play(commands: Command[]): Promise<number> {
  const common = new ManualTime();
  const service = new FakeService(common);
  const processes = ['a', 'b', 'c'].map((id) => {
    const time = new ProcessTime(common);
    const state = { failing: false, closed: undefined as Promise<void> | undefined, ended: false };
    const fail = () => {
      if (state.failing) throw new Error('callback');
    };
    const made = contestantOn(id, new FakeLink(service, common), time, { onGranted: fail, onRevoked: fail });
    made.elector.start();
    return { ...made, time, state };
  });

  const look = () => {
    const leading = processes.filter(({ elector }) => elector.isLeader());
    if (leading.length > 1) throw new Error(`two lead: ${leading.map(({ elector }) => elector.contenderId)}`);
    for (const { elector, events, state } of processes) {
      const { confirmedSessionId } = elector;
      if (confirmedSessionId !== null) expect(service.confirmed).toContain(confirmedSessionId);
      if (state.ended) expect(events.at(-1)).toBe('closed');
    }
  };
  const close = (process: (typeof processes)[number]) => {
    process.state.closed ??= process.elector
      .close()
      .catch(() => {})
      .then(() => {
        process.state.ended = true;
        process.events.push('closed');
      });
  };

  for (const { do: what, who = 0, ms = 0, step, fault } of commands) {
    const process = processes[who];
    if (!process) throw new Error(`there is no process ${who}`);
    if (what === 'advance') await common.advance(ms, look);
    if (what === 'fault') process.link.next(step as never, fault as never);
    if (what === 'offline' || what === 'online') process.link.offline = what === 'offline';
    if (what === 'freeze') process.time.freeze(process.link);
    if (what === 'thaw') process.time.thaw();
    if (what === 'resign') process.elector.resign().catch(() => {});
    if (what === 'close') close(process);
    if (what === 'revoke') service.revoke();
    if (what === 'set clock') process.time.wallAheadMs += ms;
    if (what === 'callbacks fail') process.state.failing = true;
  }
  for (const process of processes) {
    process.time.thaw();
    close(process);
  }
  await common.advance(60_000, look);
  return processes.reduce((sum, { events, state, elector }) => {
    expect(state.ended, `${elector.contenderId} closes`).toBe(true);
    return sum + eachTermEndedOnce(events);
  }, 0);
}

/** Returns how many terms there were. */
function eachTermEndedOnce(events: string[]): number {
  const of = (what: string) =>
    events.flatMap((event) => (event.startsWith(`${what} `) ? [Number(event.split(' ')[1])] : []));
  const granted = of('granted');
  expect(new Set(granted).size, events.join()).toBe(granted.length);
  expect(of('revoked'), events.join()).toEqual(granted);
  expect(granted).toEqual(granted.toSorted((a, b) => a - b));
  return granted.length;
}
