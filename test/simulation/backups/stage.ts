/** The group that programs write to while backups cut it. */
import { defaultSettings, type LogParts } from '../../../log/protocol/log.ts';
import { MemoryReplica } from '../../support/log/memory-replica.ts';
import { MemorySequencer } from '../../support/log/memory-sequencer.ts';
import type { SeededRandom } from '../../support/seeded-random.ts';
import { Process, type Weather, World } from '../log/world.ts';
import { MemoryGroup } from './memory-group.ts';

export const group = 'orders';
export const logNames = ['alpha', 'beta'];

/** A cut's outcome, read back from the bucket. */
export interface Taken {
  readonly cut: Readonly<Record<string, number>>;
  /** The next checkpoint id of each job in it. */
  readonly jobs: ReadonlyMap<string, number>;
}

interface Log {
  readonly replicas: readonly MemoryReplica[];
  readonly sequencer: MemorySequencer;
}

/** Something that a program has written; `after` counts what had been acknowledged when it was begun. */
export interface Fact {
  readonly after: number;
  readonly in: (taken: Taken) => boolean;
}

export const settings = {
  ...defaultSettings,
  answerMs: 450,
  electionGraceMs: 15,
  graceMs: 15,
  fillMs: 1_200,
  pauseMs: 20,
  lockMs: 1_000,
};

/** The stores of the group, and what has been written to them. */
export class Stage {
  readonly world: World;
  readonly jobs = new MemoryGroup();
  readonly logs = new Map<string, Log>();
  readonly objects = new Map<string, Uint8Array>();
  readonly facts: Fact[] = [];
  readonly acknowledged: Fact[] = [];
  readonly positions = new Map<string, number>();
  readonly taken: Taken[] = [];
  running: string | undefined;
  crashes = 0;
  /** Cuts that held jobs back. */
  heldBack = 0;
  storm = true;

  constructor(readonly dice: SeededRandom) {
    const weather: Weather = {
      loss: dice.pick([0, 0, 0.01]),
      duplication: dice.pick([0, 0.05]),
      slow: dice.pick([0.001, 0.005, 0.02]),
      crash: 0,
      stall: 0,
    };
    this.world = new World(dice, weather);
    for (const name of logNames) {
      const replicas = [1, 2, 3].map((number) => new MemoryReplica(`${name}-${number}`));
      for (const replica of replicas) found(replica);
      this.logs.set(name, { replicas, sequencer: new MemorySequencer() });
    }
  }

  process(name: string): Process {
    return new Process(name, this.dice.integer(-200, 200));
  }

  /** The parts of a log as this process reaches them; `step` is called before each request. */
  partsOf(process: Process, log: string, step = () => {}): LogParts {
    const { replicas, sequencer } = this.logs.get(log) as Log;
    const call = <Answer>(deliver: () => Answer) => {
      step();
      return this.world.call(process, deliver);
    };
    return {
      replicas: replicas.map((replica) => {
        const methods = Object.entries(replica.handle).map(([name, act]) => [
          name,
          (...args: never[]) => call(() => (act as (...given: never[]) => unknown)(...args)),
        ]);
        return { id: replica.id, ...Object.fromEntries(methods) };
      }),
      majorities: [replicas.map((_, at) => at)],
      configuration: 1,
      sequencer: {
        read: () => call(() => sequencer.read()),
        readHold: () => call(() => sequencer.readHold()),
        replace: (...args) => call(() => sequencer.replace(...args)),
      },
      timer: this.world.timer(process),
      chance: this.world.chanceOf(),
      settings,
    };
  }
}

function found(replica: MemoryReplica): void {
  const incarnation = `first-${replica.id}`;
  replica.handle.create({ incarnation, view: `unused-${replica.id}` });
  replica.handle.transition({ incarnation, status: 'EMPTY' }, { status: 'STARTING' });
  replica.handle.transition({ incarnation, status: 'STARTING' }, { status: 'VOTING', view: `view-${replica.id}` });
}
