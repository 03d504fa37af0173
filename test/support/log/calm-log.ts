import { type Appended, append } from '../../../log/protocol/append.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import { defaultSettings, type LogParts } from '../../../log/protocol/log.ts';
import type { Content, WriterMemory } from '../../../log/protocol/placement.ts';
import { UnreachableError } from '../../../log/protocol/quorum.ts';
import type { Replica } from '../../../log/protocol/replica.ts';
import type { WriterRecord } from '../../../log/protocol/sequencer.ts';
import { Process, World } from '../../simulation/log/world.ts';
import { seededRandom } from '../seeded-random.ts';
import { MemoryReplica } from './memory-replica.ts';
import { MemorySequencer } from './memory-sequencer.ts';

/** A log in memory on virtual time and a network that does only what the test says. */
export interface CalmLog {
  readonly parts: LogParts;
  readonly replicas: MemoryReplica[];
  readonly sequencer: MemorySequencer;
  readonly world: World;
  /** Replicas that cannot be reached: by place. */
  readonly down: Set<number>;
  /** Replicas whose answers get lost after they took effect, by place and method. */
  readonly mute: Set<string>;
  /** How much longer each request to a replica takes, in ms: by place. */
  readonly delays: Map<number, number>;
  /** Called before a request takes effect at a replica. */
  before: (place: number, method: string) => void;
}

/** Runs the act to its end; `voting` says whether the log is founded already. */
export async function calmly(
  { size = 3, voting = true }: { size?: number; voting?: boolean },
  act: (log: CalmLog) => Promise<void>,
): Promise<void> {
  const world = new World(seededRandom(1), { loss: 0, duplication: 0, slow: 0, crash: 0, stall: 0 });
  const process = new Process('test', 0);
  const replicas = Array.from({ length: size }, (_, at) => new MemoryReplica(String(at + 1)));
  const sequencer = new MemorySequencer();
  const down = new Set<number>();
  const mute = new Set<string>();
  const delays = new Map<number, number>();
  const log: CalmLog = {
    replicas,
    sequencer,
    world,
    down,
    mute,
    delays,
    before: () => undefined,
    parts: undefined as never,
  };
  const remote = (replica: MemoryReplica, at: number): Replica => {
    const methods = Object.entries(replica.handle).map(([name, handle]) => [
      name,
      async (...args: never[]) => {
        if (down.has(at)) throw new UnreachableError('down');
        const delay = delays.get(at);
        if (delay) await parts.timer.sleep(delay);
        const answer = await world.call(process, () => {
          log.before(at, name);
          return (handle as (...given: never[]) => unknown)(...args);
        });
        if (mute.has(`${at} ${name}`)) throw new UnreachableError('the answer was lost');
        return answer;
      },
    ]);
    return { id: replica.id, ...Object.fromEntries(methods) };
  };
  const parts: LogParts = {
    replicas: replicas.map(remote),
    majorities: [replicas.map((_, at) => at)],
    configuration: 1,
    sequencer: {
      read: () => world.call(process, () => sequencer.read()),
      readHold: () => world.call(process, () => sequencer.readHold()),
      replace: (...args) => world.call(process, () => sequencer.replace(...args)),
    },
    timer: world.timer(process),
    chance: world.chanceOf(),
    settings: { ...defaultSettings, tries: 3 },
  };
  Object.assign(log, { parts });
  if (voting) for (const replica of replicas) found(replica);
  let done = false;
  world.start(async () => {
    await act(log);
    done = true;
  });
  await world.run(200_000, () => done);
  if (!done) throw new Error('The test did not come to its end: something waits for ever');
}

export function found(replica: MemoryReplica): void {
  const incarnation = `first-${replica.id}`;
  replica.handle.create({ incarnation, view: `view-${replica.id}` });
  replica.handle.transition({ incarnation, status: 'EMPTY' }, { status: 'STARTING' });
  replica.handle.transition({ incarnation, status: 'STARTING' }, { status: 'VOTING' });
}

/** Elects or fails the test. */
export async function electWriter(parts: LogParts, version = 0): Promise<WriterRecord> {
  const election = await elect(parts, version);
  if ('elected' in election) return election.elected;
  throw new Error(`Not elected: ${JSON.stringify(election)}`);
}

export const memoryOf = (writer?: WriterRecord): WriterMemory => ({ writer, settlements: new Map() });

export function entries(requestId: string, count = 1): Content {
  return { type: 'APPEND', entries: Array.from({ length: count }, (_, index) => Buffer.from(`${requestId}/${index}`)) };
}

/** Appends `count` entries as one request. */
export function appendAs(
  parts: LogParts,
  { writerId }: WriterRecord,
  requestId: string,
  { count = 1, memory = memoryOf() }: { count?: number; memory?: WriterMemory } = {},
): Promise<Appended> {
  return append(parts, memory, { writerId, requestId, content: entries(requestId, count) });
}
