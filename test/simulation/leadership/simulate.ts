import { type MemoryLeaseStore, memoryLeaseStore } from '../../support/memory-lease-store.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { goodHabits, type Habits, live, type Mischief } from './contender.ts';
import { liveAsElector } from './elector.ts';
import { guardedThing } from './guarded.ts';
import { damage, observe, observeOnce, operate, sweepAll } from './others.ts';
import { calm, createService, type Weather } from './service.ts';
import { createWitness, ViolationError, type Witness } from './witness.ts';
import { createWorld } from './world.ts';

export interface Settings {
  readonly seed: number;
  readonly contenders: number;
  /** True time that passes before everything is healed, ms. */
  readonly durationMs: number;
  /** 'beyond' lets the clocks of servers be off by many leases: invariant 4 is then suspended. */
  readonly clocks: 'within' | 'beyond';
  /**
   * The client's elector instead of contenders that misbehave by themselves too: through the API, on the table itself,
   * or every other one.
   */
  readonly electors?: 'api' | 'direct' | 'both';
  /** An unsafe variant, to prove that it is found. */
  readonly variant?: Variant;
}

export interface Variant {
  readonly store?: (store: MemoryLeaseStore) => MemoryLeaseStore;
  readonly habits?: Partial<Habits>;
  readonly guard?: 'trusts';
}

export interface Outcome {
  readonly seed: number;
  readonly violation?: string;
  readonly events: number;
  readonly counts: Witness['counts'];
  /** The last steps, for a person who looks for the cause. */
  readonly trace: readonly string[];
}

/** Runs one world from its seed to its end, or to the first violation; the same settings give the same run. */
export async function simulate(settings: Settings): Promise<Outcome> {
  const { seed, contenders, durationMs, clocks, electors, variant = {} } = settings;
  const chosen = choose(seed);
  const memory = memoryLeaseStore();
  const world = createWorld(seed, () => witness.check());
  const groups = chosen.groups;
  const witness = createWitness({ store: memory, groups, clock: world, clocksWithinAllowance: clocks === 'within' });
  const { maxClockSkewMs } = chosen;
  const service = createService({
    world,
    witness,
    store: variant.store?.(memory) ?? memory,
    maxClockSkewMs,
    clockErrorMs: clocks === 'within' ? maxClockSkewMs : chosen.leaseMs * 6,
    weather: chosen.weather,
  });
  const guarded = guardedThing(variant.guard ?? 'compares');
  const mischief: Mischief = { ...chosen.mischief };
  const names = Array.from({ length: contenders }, (_, at) => `c${at}`);
  for (const [at, contenderId] of names.entries()) {
    const group = groups[at % groups.length] as string;
    const leaseMs = at % 3 === 0 ? chosen.leaseMs * 2 : chosen.leaseMs;
    const renewals = world.random.pick(['as granted', 'same length', 'other lengths'] as const);
    const habits = { ...goodHabits, ...variant.habits };
    const peers = [...names, 'nobody'];
    const options = { world, service, witness, guarded, contenderId, group, leaseMs, renewals, maxClockSkewMs, habits };
    const contender = electors ? liveAsElector : live;
    const mode = electors === 'direct' || (electors === 'both' && at % 2 === 0) ? 'direct' : 'api';
    void contender({ ...options, mischief, peers, mode }).catch((error: unknown) =>
      witness.violate(`failure: ${error}`),
    );
  }
  let healed = false;
  const others = { world, service, witness };
  void sweepAll({ ...others, everyMs: chosen.sweepEveryMs });
  for (const group of groups) {
    void observe({ ...others, group, everyMs: 500 });
    void operate({ ...others, group, everyMs: chosen.revokeEveryMs });
    void damage({ ...others, group, everyMs: chosen.damageEveryMs }, memory, () => healed);
  }

  let events = 0;
  try {
    events += await world.runUntil(durationMs);
    if (clocks === 'within') {
      healed = true;
      service.heal();
      Object.assign(mischief, { freeze: 0, crash: 0, resign: 0, neverConfirm: 0, forget: 0 });
      events += await recover();
    }
    return { seed, events, counts: witness.counts, trace: witness.trace };
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    return { seed, events, violation: error.message, counts: witness.counts, trace: witness.trace };
  }

  /** Once nothing goes wrong any more there is a leader soon: the rules do not only refuse. */
  async function recover(): Promise<number> {
    const soon = world.time + chosen.leaseMs * 20 + 10_000;
    const led = new Set<string>();
    for (const group of groups) {
      void (async () => {
        while (!led.has(group)) {
          await world.sleep(100);
          if (await observeOnce({ world, service, witness, group }, true)) led.add(group);
        }
      })();
    }
    let done = 0;
    while (led.size < groups.length) {
      if (world.time > soon) throw new ViolationError(`liveness: ${groups.length - led.size} group(s) have no leader`);
      done += await world.runUntil(world.time + 500);
    }
    return done;
  }
}

/** The seed's choices for the world, apart from its size. */
function choose(seed: number) {
  const random = seededRandom(seed ^ 0x5eed);
  const leaseMs = random.pick([1_000, 2_000, 5_000]);
  const rough = random.pick([0, 0.3, 1, 2]);
  const weather: Weather = {
    lost: 0.05 * rough,
    duplicated: 0.1 * rough,
    delayMs: random.pick([5, 30, 100]),
    late: 0.05 * rough,
    lateMs: leaseMs * random.pick([0.5, 1, 3]),
    storeFault: 0.05 * rough,
    serverCrash: 0.01 * rough,
  };
  const mischief: Mischief = {
    freeze: random.pick([0, 0.01, 0.05]),
    crash: random.pick([0, 0.02, 0.1]),
    resign: random.pick([0, 0.02, 0.2]),
    neverConfirm: random.pick([0, 0.1, 0.6]),
    forget: random.pick([0, 0.02]),
  };
  return {
    groups: random.chance(0.3) ? ['orders', 'prices'] : ['orders'],
    leaseMs,
    maxClockSkewMs: random.pick([50, 250, 490]),
    weather: rough === 0 ? { ...calm, delayMs: weather.delayMs } : weather,
    mischief,
    sweepEveryMs: random.pick([500, 15_000]),
    revokeEveryMs: random.pick([3_000, 30_000, 1e9]),
    damageEveryMs: random.pick([3_000, 30_000, 1e9]),
  };
}
