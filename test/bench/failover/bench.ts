import { cpus, loadavg } from 'node:os';
import { atMost, type Bench, type Row } from '../bench.ts';
import { AbsentError } from '../peers.ts';
import { median } from '../samples.ts';
import { etcd } from './etcd.ts';
import { killed, type Lane, openLane, phases } from './lane.ts';
import { killAll, type System, ttlMs, type Way } from './system.ts';
import { tenure } from './tenure.ts';
import { zookeeper } from './zookeeper.ts';

const lanes = 5;
const killsPerLane = 8;
const quietMs = 4 * ttlMs;

export const bench: Bench = {
  name: 'failover',
  sentence: `From SIGKILL of the leader to the successor's confirmed term, as a multiple of the lease (${ttlMs / 1_000} s for all), over ${lanes * killsPerLane} kills at phases spread evenly over a lease; two others wait in each of ${lanes} groups, and all systems run at the same time.`,
  async run(say) {
    const notes: string[] = [];
    const systems: System[] = [];
    for (const start of [tenure, etcd, zookeeper]) {
      try {
        systems.push(...(await start()));
      } catch (error) {
        if (!(error instanceof AbsentError)) throw error;
        say(error.message);
        notes.push(`Not measured: ${error.message}.`);
      }
    }
    try {
      const measured = await Promise.all(systems.map((system) => measure(system, say)));
      const [ours, seldom, lead, ...others] = measured as [Measurement, Measurement, Measurement, ...Measurement[]];
      const peers = [...new Set(systems.map(({ version }) => version))];
      return {
        rows: [
          ...alone(ours),
          ...[...lead.byWay].flatMap(([way, failovers]) => guarded(way, failovers, others)),
          ...others.flatMap((theirs) => compared(ours, theirs)),
        ],
        notes: [`Ours with renewals as seldom as etcd's, every 2 s: ${summary(seldom)}.`, why, load(), ...notes],
        peers,
      };
    } finally {
      await Promise.all(systems.map((system) => system.stop()));
      killAll();
    }
  },
};

interface Measurement {
  name: string;
  /** Multiples of the lease. */
  failovers: number[];
  /** The same, by what was killed. */
  byWay: ReadonlyMap<Way, number[]>;
  /** Of one contender in one lease, while nobody is killed. */
  requestsPerLease: number;
}

async function measure(system: System, say: (progress: string) => void): Promise<Measurement> {
  const opened: Lane[] = [];
  for (let at = 0; at < lanes; at += 1) opened.push(await openLane(system, `lane-${at}`));
  const all = phases(lanes * killsPerLane);
  const byWay = new Map<Way, number[]>(system.ways.map((way) => [way, []]));
  const failovers = await Promise.all(
    opened.map(async (lane, at) => {
      const taken: number[] = [];
      for (const [round, phase] of all.filter((_, index) => index % lanes === at).entries()) {
        const way = system.ways[(at + round) % system.ways.length] ?? 'contender';
        taken.push((await killed(lane, phase * ttlMs, way)) / ttlMs);
        byWay.get(way)?.push(taken.at(-1) ?? 0);
        say(`${system.name}: ${taken.at(-1)?.toFixed(2)} × the lease`);
      }
      return taken;
    }),
  );
  const before = await system.requests();
  await new Promise((resolve) => setTimeout(resolve, quietMs));
  const requests = (await system.requests()) - before;
  await Promise.all(opened.map(closed));
  return {
    name: system.name,
    failovers: failovers.flat(),
    byWay,
    requestsPerLease: requests / (lanes * 3) / (quietMs / ttlMs),
  };
}

async function closed({ contenders }: Lane): Promise<void> {
  for (const contender of contenders) contender.kill('both');
  await Promise.all(contenders.map(({ ended }) => ended));
}

/** The settings that explain the numbers. */
const why =
  'A crash is noticed when the lease runs out. Ours is renewed every third of it, so a sixth of it has passed when the leader dies, on average; to what is left come the allowance for clock skew (250 ms, 0.05 of this lease), a pause of at most a twentieth of the lease, and two requests. Renewed less often a lease would be over sooner, and a renewal that meets a cold start, or has to be tried again, would have less time left: [the figures](design/leadership.md#a-fail-over). A process that is killed alone, next to a guard that lives, need not wait for the lease.';

/** Times of a busy machine are no figures of the product. */
function load(): string {
  const [minute = 0] = loadavg();
  return `Load of the machine at the end of the run: ${minute.toFixed(1)} on ${cpus().length} cores, of which the ${lanes * 3 * 5} contenders are a part.`;
}

function summary({ failovers, requestsPerLease }: Measurement): string {
  return `median ${lease(median(failovers))}, worst ${lease(Math.max(...failovers))}, ${requestsPerLease.toFixed(1)} requests of one contender in a lease`;
}

const lease = (value: number) => `${value.toFixed(2)} × lease`;

function alone({ failovers }: Measurement): Row[] {
  const worst = Math.max(...failovers);
  return [
    { what: 'worst of a LeaderElector', ours: lease(worst), theirs: '', aim: atMost(1.15, worst, '1.15 × lease') },
  ];
}

const victims: Record<Way, string> = {
  contender: 'SIGKILL of `tenure lead`',
  command: 'SIGKILL of its command',
  both: 'SIGKILL of both',
  machine: 'SIGKILL of both and the guard, as a machine dies',
};

/** The purpose of a guard: only the death of a machine, guard and all, waits for the lease. */
function guarded(way: Way, failovers: readonly number[], others: readonly Measurement[]): Row[] {
  const middle = median(failovers);
  const what = `median, ${victims[way]} (worst ${lease(Math.max(...failovers))})`;
  const aim = way === 'machine' ? {} : { aim: atMost(0.3, middle, '0.3 × lease') };
  const against = others.map((theirs) => {
    const their = median(theirs.failovers);
    return {
      what: `${what}, against ${theirs.name}`,
      ours: lease(middle),
      theirs: lease(their),
      ratio: middle / their,
    };
  });
  const [first = { what, ours: lease(middle), theirs: '' }, ...rest] = against;
  return [{ ...first, ...aim }, ...rest];
}

function compared(ours: Measurement, theirs: Measurement): Row[] {
  const [our, their] = [median(ours.failovers), median(theirs.failovers)];
  const [ourWorst, theirWorst] = [Math.max(...ours.failovers), Math.max(...theirs.failovers)];
  const { name } = theirs;
  return [
    {
      what: `median, SIGKILL of a process with a LeaderElector, against ${name}`,
      ours: lease(our),
      theirs: lease(their),
      ratio: our / their,
      ...(name === 'etcd' && { aim: atMost(1, our / their) }),
    },
    {
      what: `worst of these, against ${name}`,
      ours: lease(ourWorst),
      theirs: lease(theirWorst),
      ratio: ourWorst / theirWorst,
    },
    {
      what: `requests of one contender in a lease while nothing happens, against ${name}`,
      ours: ours.requestsPerLease.toFixed(1),
      theirs: theirs.requestsPerLease.toFixed(1),
      ratio: ours.requestsPerLease / theirs.requestsPerLease,
    },
  ];
}
