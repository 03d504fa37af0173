import * as acceptor from '../../../log/protocol/acceptor.ts';
import { allReplicas, majoritiesOf } from '../../../log/protocol/configuration.ts';
import { defaultSettings, type LogParts } from '../../../log/protocol/log.ts';
import { UnreachableError } from '../../../log/protocol/quorum.ts';
import type { Replica, StageAnswer } from '../../../log/protocol/replica.ts';
import { InvariantViolationError } from '../../../store/invariants.ts';
import { MemoryMembers } from '../../support/log/memory-members.ts';
import { type Handle, MemoryReplica, type Rules } from '../../support/log/memory-replica.ts';
import { MemorySequencer } from '../../support/log/memory-sequencer.ts';
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts';
import { backups, catchUps, finale, readers, recoveries, type Stage, writers } from './actors.ts';
import { disasters } from './disasters.ts';
import { memberChanges } from './member-changes.ts';
import { Oracle } from './oracle.ts';
import { ViolationError } from './violation.ts';
import { type Process, type Weather, World } from './world.ts';

/** A place where one unsafe variant of the design is put back; left out, everything is as the product does it. */
export interface Variant {
  /** The seed to begin with, where those before it do not find the variant: 1 unless given. */
  readonly seed?: number;
  readonly rules?: Partial<Rules>;
  /** Changes requests on their way to a replica. */
  readonly tamper?: (replica: MemoryReplica, method: string, args: unknown[]) => unknown[];
  readonly sequencer?: (memory: MemorySequencer) => Pick<MemorySequencer, 'read' | 'replace'>;
  /** Coordinators of an older configuration are not refused. */
  readonly forgetsVersions?: true;
  /** Leaves the old members behind before the next ones hold everything. */
  readonly skips?: 'level' | 'joint';
  /** A writer has a slot accepted at once, while its value is still on its way. */
  readonly acceptsAtOnce?: true;
  /** Every other writer hands out positions in its own process. */
  readonly exclusive?: true;
  /** A writer that meets a rival continues with the rival's number and its old position. */
  readonly staysElected?: true;
}

export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  readonly acknowledged: number;
  readonly elections: number;
  readonly wipes: number;
  readonly changes: number;
  readonly violation?: ViolationError | InvariantViolationError;
}

const settings = {
  ...defaultSettings,
  answerMs: 450,
  electionGraceMs: 15,
  graceMs: 15,
  fillMs: 1_200,
  pauseMs: 20,
  tries: 3,
  stuckMs: 300,
  lockMs: 600,
};

const stormSteps = 6_000;
const calmSteps = 30_000;

type Climate = (dice: SeededRandom) => Weather & { readonly farness: number; readonly wipes: boolean };

/** A little of everything. */
const mixed: Climate = (dice) => ({
  loss: dice.pick([0, 0, 0.02, 0.05]),
  duplication: dice.pick([0, 0.05, 0.2]),
  slow: dice.pick([0.005, 0.02, 0.08]),
  crash: dice.pick([0, 0.001, 0.004]),
  stall: dice.pick([0, 0.01, 0.03]),
  farness: dice.pick([0, 0, 0.3, 0.6]),
  wipes: true,
});

/** Messages are held up for so long that replicas are lost and recovered meanwhile. */
const stalling: Climate = (dice) => ({
  loss: 0,
  duplication: 0.05,
  slow: 0.01,
  crash: 0,
  stall: dice.pick([0.03, 0.06]),
  farness: 0,
  wipes: true,
});

/** Much is lost, and old messages arrive late. */
const overtaking: Climate = (dice) => ({
  loss: dice.pick([0.06, 0.12]),
  duplication: 0.05,
  slow: 0.02,
  crash: dice.pick([0, 0.001]),
  stall: dice.pick([0.03, 0.06]),
  farness: 0,
  wipes: false,
});

const climates = [mixed, stalling, overtaking];

/**
 * Plays one seed: a storm of faults with rivals, wipes, recoveries and readers, then calm weather in which all must
 * come right.
 */
export async function play(seed: number, variant: Variant = {}): Promise<Outcome> {
  const dice = seededRandom(seed);
  const climate = climates[seed % climates.length] ?? mixed;
  const { farness, wipes, ...weather } = climate(dice);
  const world = new World(dice, weather);
  const size = dice.pick([3, 3, 3, 5]);
  const members = new MemoryMembers(size);
  const replicas: MemoryReplica[] = [];
  const oracle = new Oracle(replicas, members);
  const rules = { ...acceptor, ...variant.rules };
  // Two more than the members at first: to add them, or to put them in the place of one.
  for (let at = 0; at < size + 2; at += 1) {
    const id = `${at + 1}`;
    const unlock: Rules['unlock'] = (meta, lockId) => {
      oracle.unlocks(id, lockId);
      return rules.unlock(meta, lockId);
    };
    replicas.push(new MemoryReplica(id, { ...rules, unlock }, (change) => oracle.observe(change)));
  }
  // Half of the runs read ranges that end early, as with large entries.
  if (seed % 2 === 0) for (const replica of replicas) replica.rangeBytes = 3;
  if (dice.chance(0.8)) for (const replica of replicas.slice(0, size)) found(replica);
  const sequencer = new MemorySequencer((changed) => oracle.writerChanged(changed));
  members.onVersion = (version) => sequencer.follow(version);
  const store = variant.sequencer?.(sequencer) ?? sequencer;
  const far = dice.pick(replicas);
  const partsFor = (process: Process): LogParts => {
    const configuration = members.current;
    const { version } = configuration;
    const port = (replica: MemoryReplica) =>
      remote(world, process, replica, {
        variant,
        version: variant.forgetsVersions ? Number.POSITIVE_INFINITY : version,
        farness: replica === far ? () => (stage.storm ? farness : 0) : () => 0,
      });
    return {
      replicas: allReplicas(configuration).map(({ id }) => port(replicas[Number(id) - 1] as MemoryReplica)),
      majorities: majoritiesOf(configuration),
      configuration: version,
      sequencer: {
        read: () => world.call(process, () => store.read()),
        readHold: () => world.call(process, () => sequencer.readHold()),
        replace: (before, taken, truncateTo) =>
          world.call(process, () => store.replace(before, taken, truncateTo, version)),
      },
      timer: world.timer(process),
      chance: world.chanceOf(),
      settings,
    };
  };
  const stage: Stage = {
    world,
    dice,
    oracle,
    replicas,
    sequencer,
    members,
    variant,
    partsFor,
    storm: true,
    counts: { elections: 0, wipes: 0, acknowledged: 0, changes: 0 },
  };
  const outcome = () => ({ seed, steps: world.steps, ...stage.counts });
  try {
    for (const actor of [writers, readers, recoveries, catchUps, backups]) actor(stage);
    if (seed % 4 !== 0) memberChanges(stage);
    if (wipes) disasters(stage);
    await world.run(stormSteps);
    stage.storm = false;
    world.weather = { loss: 0, duplication: 0, slow: 0, crash: 0, stall: 0 };
    const ended = finale(stage);
    await world.run(calmSteps, () => ended.done);
    if (!ended.done) {
      const where = replicas.map(({ id, inForce }) => `${id} ${inForce.status}`).join(', ');
      const members = JSON.stringify(stage.members.current);
      throw new ViolationError(
        'liveness',
        `not settled after ${calmSteps} calm steps: ${ended.doing}; ${where}; ${members}`,
      );
    }
    return outcome();
  } catch (error) {
    if (error instanceof ViolationError || error instanceof InvariantViolationError)
      return { ...outcome(), violation: error };
    throw error;
  }
}

/** Plays seeds from `first` on until one is violated; answers sums of what happened. */
export async function playMany(first: number, runs: number, variant: Variant = {}) {
  const sum = { runs: 0, steps: 0, acknowledged: 0, elections: 0, wipes: 0, changes: 0 };
  for (let seed = first; seed < first + runs; seed += 1) {
    const { violation, ...outcome } = await play(seed, variant);
    sum.runs += 1;
    for (const name of ['steps', 'acknowledged', 'elections', 'wipes', 'changes'] as const) sum[name] += outcome[name];
    if (violation) return { ...sum, seed, violation };
  }
  return sum;
}

/** Most runs begin with a log that is initialised already. */
function found(replica: MemoryReplica): void {
  const incarnation = `first-${replica.id}`;
  replica.handle.create({ incarnation, view: `unused-${replica.id}` });
  replica.handle.transition({ incarnation, status: 'EMPTY' }, { status: 'STARTING' });
  replica.handle.transition({ incarnation, status: 'STARTING' }, { status: 'VOTING', view: `view-${replica.id}` });
}

function remote(
  world: World,
  process: Process,
  replica: MemoryReplica,
  {
    variant: { tamper, acceptsAtOnce },
    version,
    farness,
  }: { variant: Variant; version: number; farness: () => number },
): Replica {
  const handle = replica.at(() => version);
  const send =
    (method: keyof Handle) =>
    (...args: unknown[]) =>
      world.call(
        process,
        () => {
          const act = handle[method] as (...given: unknown[]) => unknown;
          return act(...(tamper?.(replica, method, args) ?? args));
        },
        farness(),
      );
  const methods = Object.keys(handle).map((method) => [method, send(method as keyof Handle)]);
  const port = { id: replica.id, ...Object.fromEntries(methods) } as Replica;
  return acceptsAtOnce ? acceptingAtOnce(port) : port;
}

function acceptingAtOnce(port: Replica): Replica {
  const staging = new Map<string, Promise<StageAnswer>>();
  const nameOf = ({ position, number, by }: { position: number; number: number; by: string }) =>
    `${position} ${number} ${by}`;
  return {
    ...port,
    stage: async (request) => {
      const answer = port.stage(request);
      answer.catch(() => undefined);
      staging.set(nameOf(request), answer);
      return { staged: true };
    },
    accept: async (request) => {
      const [answer, staged] = await Promise.all([port.accept(request), staging.get(nameOf(request))]);
      if (staged?.staged === false) throw new UnreachableError('not staged');
      return answer;
    },
  };
}
