import { type Appended, append } from '../../../log/protocol/append.ts';
import { appendTogether } from '../../../log/protocol/append-together.ts';
import { catchUp } from '../../../log/protocol/catch-up.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import { settleTo } from '../../../log/protocol/cut.ts';
import { ExclusiveSequencer } from '../../../log/protocol/exclusive-sequencer.ts';
import { endsThere, holds, lockAll, unlockAll } from '../../../log/protocol/lock.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import type { AppendRequest, Content, WriterMemory } from '../../../log/protocol/placement.ts';
import { StaleConfigurationError, UnreachableError } from '../../../log/protocol/quorum.ts';
import { positions, read } from '../../../log/protocol/reader.ts';
import { recover } from '../../../log/protocol/recovery.ts';
import type { Replica } from '../../../log/protocol/replica.ts';
import type { WriterRecord } from '../../../log/protocol/sequencer.ts';
import type { MemoryMembers } from '../../support/log/memory-members.ts';
import type { MemoryReplica } from '../../support/log/memory-replica.ts';
import type { MemorySequencer } from '../../support/log/memory-sequencer.ts';
import type { SeededRandom } from '../../support/seeded-random.ts';
import { endChanges } from './member-changes.ts';
import type { Oracle } from './oracle.ts';
import type { Variant } from './scenario.ts';
import { goOnAsRival } from './variants.ts';
import { ViolationError } from './violation.ts';
import { Process, type World } from './world.ts';

export interface Stage {
  readonly world: World;
  readonly dice: SeededRandom;
  readonly oracle: Oracle;
  readonly replicas: readonly MemoryReplica[];
  readonly sequencer: MemorySequencer;
  readonly members: MemoryMembers;
  readonly variant: Variant;
  readonly partsFor: (process: Process) => LogParts;
  readonly counts: { elections: number; wipes: number; acknowledged: number; changes: number };
  /** False once the weather is calm: no new disasters and rivals then. */
  storm: boolean;
}

export function birth({ dice }: Stage, name: string): Process {
  return new Process(name, dice.integer(-200, 200));
}

/** Continues after a store that did not respond, as a caller that receives `unavailable` does. */
export async function enduring(act: () => Promise<void>): Promise<void> {
  await act().catch((error: unknown) => {
    if (!passes(error)) throw error;
  });
}

/** Undefined where a caller is told `unavailable`. */
function answered<Answer>(pending: Promise<Answer>): Promise<Answer | undefined> {
  return pending.catch((error: unknown) => {
    if (passes(error)) return undefined;
    throw error;
  });
}

/** No answer, or the members have changed: the caller begins anew with what they are then. */
function passes(error: unknown): boolean {
  return error instanceof UnreachableError || error instanceof StaleConfigurationError;
}

/** Two to five rivals, of one version or of rising ones; each is born again after a crash. */
export function writers(stage: Stage): void {
  const { dice, world } = stage;
  const count = dice.integer(2, 5);
  const leaders = dice.chance(0.4);
  const pace = dice.pick([30, 300, 1_200]);
  for (let name = 1; name <= count; name += 1) {
    const version = leaders ? dice.integer(1, count) : 0;
    world.at(dice.integer(0, 299), () => world.start(() => writer(stage, `writer-${name}`, { version, pace })));
  }
}

async function writer(stage: Stage, name: string, { version, pace }: { version: number; pace: number }): Promise<void> {
  const { world, dice } = stage;
  for (let life = 1; stage.storm; life += 1) {
    const process = birth(stage, `${name}.${life}`);
    world.start(() => enduring(() => lead(stage, process, { version, pace })));
    await new Promise<void>((resolve) => world.at(400 + 2 * pace + dice.integer(0, pace), resolve));
    if (dice.chance(0.8)) process.dead = true;
  }
}

async function lead(
  stage: Stage,
  process: Process,
  { version, pace }: { version: number; pace: number },
): Promise<void> {
  const { dice } = stage;
  const open: Pending[] = [];
  const exclusive = stage.variant.exclusive && dice.chance(0.7);
  for (let term = 1; term <= 6 && stage.storm; term += 1) {
    const parts = exclusive ? exclusively(stage, process) : stage.partsFor(process);
    const before = stage.oracle.highestElected;
    const election = await answered(elect(parts, version));
    if (!election || !('elected' in election)) {
      if (election && 'lost' in election && election.final) return;
      await parts.timer.sleep(dice.integer(100, 600 + 2 * pace));
      continue;
    }
    const { elected } = election;
    stage.oracle.elected(elected.number, elected.writerId, { version, before });
    stage.counts.elections += 1;
    const processes = !exclusive && dice.chance(0.4) ? 2 : 1;
    const lambdas = Array.from({ length: processes }, () => appends(stage, parts, elected, open));
    await Promise.all(lambdas);
  }
}

/** The parts of a writer that appends from this process alone. It saves its record often, so that both are tried. */
function exclusively(stage: Stage, process: Process): LogParts {
  const parts = stage.partsFor(process);
  return { ...parts, sequencer: new ExclusiveSequencer(parts.sequencer, stage.dice.pick([3, 8, 1_024])) };
}

interface Pending {
  readonly requestId: string;
  readonly content: Content;
  readonly began: { after: number; elected: number };
}

/** One process that appends for the writer, and repeats what has an unknown outcome. */
async function appends(stage: Stage, parts: LogParts, writer: WriterRecord, open: Pending[]): Promise<void> {
  const { dice, oracle } = stage;
  const memory: WriterMemory = { writer: dice.chance(0.5) ? writer : undefined, settlements: new Map() };
  for (let turn = 0; turn < 12 && stage.storm; turn += 1) {
    const repeated = open.length > 0 && dice.chance(0.7) ? open.shift() : undefined;
    const began = { after: oracle.lastAcknowledged, elected: oracle.highestElected };
    const pending: Pending = repeated ?? { ...request(stage, parts), began };
    const asked: AppendRequest = { writerId: writer.writerId, ...pending };
    if (dice.chance(0.2)) {
      giveUpOn(stage, asked, (answer) => note(stage, pending, began, answer, writer.number));
      await parts.timer.sleep(dice.integer(0, 599));
    }
    const alone = repeated !== undefined || !isNoTruncation(pending) || !dice.chance(0.3);
    const others = alone ? [] : [request(stage, parts), request(stage, parts)];
    const shared = [pending, ...others.filter(isNoTruncation).map((one): Pending => ({ ...one, began }))];
    const answers =
      shared.length > 1
        ? await answered(
            appendTogether(
              parts,
              memory,
              shared.map((one) => ({ writerId: writer.writerId, ...one })),
            ),
          )
        : [(await answered(append(parts, memory, asked))) ?? { outcomeUnknown: true as const }];
    let over = false;
    for (const [at, one] of shared.entries()) {
      const answer: Appended = answers?.[at] ?? { outcomeUnknown: true };
      note(stage, one, began, answer, writer.number);
      const repeats = 'outcomeUnknown' in answer || 'notElected' in answer;
      if (repeats || 'stateLocked' in answer || 'throttled' in answer) open.push(one);
      if (repeats || 'exclusivityLost' in answer) over = true;
      else if ('stateLocked' in answer) await parts.timer.sleep(dice.integer(0, 199));
    }
    if (over) {
      if (stage.variant.staysElected) await goOnAsRival(stage, parts, writer, pending.requestId);
      return;
    }
    if (dice.chance(0.3)) await parts.timer.sleep(dice.integer(0, 399));
  }
}

/** A handler whose caller gave up continues with the request, which another handler receives meanwhile. */
function giveUpOn(stage: Stage, request: AppendRequest, acknowledged: (answer: Appended) => void): void {
  const parts = stage.partsFor(birth(stage, 'given up'));
  stage.world.start(() =>
    enduring(async () => {
      const answer = await append(parts, { settlements: new Map() }, request);
      if ('first' in answer) acknowledged(answer);
    }),
  );
}

const isNoTruncation = ({ content }: { content: Content }) => content.type !== 'TRUNCATE';

function note(stage: Stage, pending: Pending, began: Pending['began'], answer: Appended, number: number): void {
  if ('first' in answer) {
    stage.counts.acknowledged += 1;
    const elected = began.elected;
    stage.oracle.acknowledged(pending, answer.first, { after: pending.began.after, elected }, number);
  }
  if ('exclusivityLost' in answer) stage.oracle.refused(pending);
}

function request({ dice, sequencer }: Stage, { chance }: LogParts): { requestId: string; content: Content } {
  const requestId = chance.id();
  if (dice.chance(0.1)) {
    const to = dice.integer(0, sequencer.record?.next ?? 0);
    return { requestId, content: { type: 'TRUNCATE', to } };
  }
  const count = dice.chance(0.3) ? dice.integer(2, 4) : 1;
  const entries = Array.from({ length: count }, (_, index) => Uint8Array.of(index));
  return { requestId, content: { type: 'APPEND', entries } };
}

/** Readers check that nothing pending or missing is shown, and that what they miss can be read or is truncated. */
export function readers(stage: Stage): void {
  again(stage, 150, 900, async (parts) => {
    const { truncationAcknowledged: truncated, lastAcknowledged } = stage.oracle;
    const first = stage.dice.chance(0.5) ? undefined : stage.dice.integer(0, 19);
    const to = first !== undefined && stage.dice.chance(0.5) ? first + stage.dice.integer(0, 5) : undefined;
    const answer = await read(parts, { from: first, to, limit: 100, maxBytes: 1_000 });
    if ('items' in answer)
      stage.oracle.shown(
        answer.items.map(({ position }) => position),
        { truncated, ...(first !== undefined && { first }), ...(to !== undefined && { to }) },
      );
    // A read without an end, and through: what was acknowledged before it began is in it.
    if ('items' in answer && to === undefined && answer.nextFrom === undefined)
      stage.oracle.shownUpTo(lastAcknowledged, answer.items.at(-1)?.position);
  });
}

/** Recoveries of every replica that does not vote, sometimes two at the same time. */
export function recoveries(stage: Stage): void {
  again(stage, 20, 500, (parts) => recoverOne(stage, parts, stage.dice.pick(parts.replicas)));
}

export async function recoverOne({ dice, replicas }: Stage, parts: LogParts, replica: Replica): Promise<void> {
  if (replicas[Number(replica.id) - 1]?.inForce.status === 'VOTING') return;
  const until = parts.timer.now() + dice.integer(3_000, 9_000);
  await recover(parts, replica, { autoInitialize: true, cancelled: () => parts.timer.now() > until });
}

/** Brings lagging voting replicas up without disturbing the writer. */
export function catchUps(stage: Stage): void {
  again(stage, 300, 1_500, async (parts) => {
    const replica = stage.dice.pick(parts.replicas);
    const writer = await parts.sequencer.read();
    if (writer) await catchUp(parts, replica, { from: 0, to: writer.settled });
  });
}

/** Backups hold truncations back, lock the log for a moment and settle everything up to their cut. */
export function backups(stage: Stage): void {
  const { oracle, dice, sequencer, world } = stage;
  again(stage, 500, 2_500, async (parts) => {
    const { begin, voting, quorum } = await positions(parts);
    if (voting < quorum || sequencer.hold) return;
    const hold = { backupId: parts.chance.id(), from: begin };
    sequencer.hold = hold;
    world.at(dice.integer(500, 2_500), () => {
      sequencer.hold = undefined;
      oracle.heldFrom = undefined;
    });
    const acknowledged = oracle.lastAcknowledged;
    const cut = await lockAll(parts, parts.chance.id());
    if (!cut) return;
    const later = oracle.lastAcknowledged;
    const settled = (await settleTo(parts, cut.end)) !== undefined;
    const { begin: kept, ...then } = await positions(parts);
    const valid = await holds(parts, cut);
    if (valid && Math.max(acknowledged, later) > cut.end && (await endsThere(parts, cut))) {
      throw new ViolationError('cut', `${Math.max(acknowledged, later)} was acknowledged, the cut is at ${cut.end}`);
    }
    const counts = valid && settled && kept === begin && then.voting >= quorum;
    if (counts && sequencer.hold === hold) oracle.heldFrom = begin;
    if (dice.chance(0.8)) await unlockAll(parts, cut.lockId);
  });
}

/** Calm weather: every replica votes again, a new writer is elected, and everything acknowledged can be read. */
export function finale(stage: Stage): { done: boolean; doing: string } {
  const ended = { done: false, doing: 'recovering' };
  const { world, replicas, oracle } = stage;
  world.start(async () => {
    const process = birth(stage, 'finale');
    ended.doing = 'changing the members';
    await endChanges(stage, process);
    ended.doing = 'recovering';
    const parts = stage.partsFor(process);
    await Promise.all(parts.replicas.map((replica) => recover(parts, replica, { autoInitialize: true })));
    ended.doing = 'electing and appending';
    let writer: WriterRecord | undefined;
    for (let done = false; !done; ) {
      const before = oracle.highestElected;
      const election = await elect(parts, 100);
      if ('elected' in election) {
        writer = election.elected;
        oracle.elected(writer.number, writer.writerId, { version: 100, before });
        done = await appendLast(parts, writer);
      }
      if (!done) await parts.timer.sleep(300);
    }
    ended.doing = 'catching up';
    const settled = writer?.settled ?? 0;
    for (const replica of parts.replicas) {
      const caught = await caughtUp(parts, replica, settled);
      if ('stuckAt' in caught) throw new ViolationError('liveness', `${replica.id} is stuck at ${caught.stuckAt}`);
    }
    ended.doing = 'reading';
    const answer = await read(parts, { limit: 10_000, maxBytes: 1_000_000 });
    if (!('items' in answer)) throw new ViolationError('I8', `the log cannot be read: ${JSON.stringify(answer)}`);
    oracle.whole(answer.items.map(({ position }) => position));
    for (const { id } of parts.replicas) oracle.level(replicas[Number(id) - 1] as MemoryReplica, settled);
    ended.done = true;
  });
  return ended;
}

/** As the workflow repeats a slice: a recovery that began in the storm may still change a view. */
async function caughtUp(parts: LogParts, replica: Replica, to: number) {
  let caught = await catchUp(parts, replica, { from: 0, to });
  for (let tried = 0; tried < 10 && 'stuckAt' in caught; tried += 1) {
    await parts.timer.sleep(300);
    caught = await catchUp(parts, replica, { from: 0, to });
  }
  return caught;
}

async function appendLast(parts: LogParts, { writerId }: WriterRecord): Promise<boolean> {
  const requestId = parts.chance.id();
  const content: Content = { type: 'APPEND', entries: [Uint8Array.of(1)] };
  const answer = await append(parts, { settlements: new Map() }, { writerId, requestId, content });
  return 'first' in answer;
}

/** Does something again and again, each time as a process of its own that may die. */
export function again(stage: Stage, least: number, most: number, act: (parts: LogParts) => Promise<void>): void {
  const { world, dice } = stage;
  const begin = () => {
    if (!stage.storm) return;
    const process = birth(stage, 'passer-by');
    world.start(() => enduring(() => act(stage.partsFor(process))));
    world.at(dice.integer(least, most), begin);
  };
  world.at(dice.integer(0, most), begin);
}
