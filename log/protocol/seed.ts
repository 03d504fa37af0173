/**
 * Filling a log with the entries of a backup: all replicas are held from voting, learn what is below the first position
 * and every position up to the last, and only then vote, all of them. Design: docs/design/log.md, I7.
 */
import type { LogHead } from '../../api/archive.ts';
import { tombstone } from './acceptor.ts';
import { learnOrThrow } from './erase.ts';
import type { LogParts } from './log.ts';
import { shortId } from './recovery.ts';
import {
  dataBytes,
  type LearnedAction,
  type Meta,
  type Replica,
  slotBytes,
  slotEntries,
  type Value,
} from './replica.ts';
import { closedAfter } from './sequencer.ts';

/** The log that is being filled: what comes next is learned at `next`. */
export interface SeededLog {
  readonly log: string;
  readonly next: number;
  readonly end: number;
}

/** The log is in use: the group is not empty. */
export class LogInUseError extends Error {
  override readonly name = 'LogInUseError';
}

/**
 * Takes all replicas of the log for the restore; every one of them must be reachable. Throws `LogInUseError` when one
 * votes.
 */
export async function holdLog(parts: LogParts, restoreId: string, head: LogHead): Promise<SeededLog> {
  await Promise.all(parts.replicas.map((replica) => holdReplica(parts, replica, restoreId, head)));
  return { log: head.log, next: head.begin, end: head.end };
}

async function holdReplica(parts: LogParts, replica: Replica, restoreId: string, head: LogHead): Promise<void> {
  const { begin, promised } = head;
  const meta = await replica.create({ incarnation: parts.chance.id(), view: shortId(parts) });
  if (meta.restoreId !== restoreId) {
    if (meta.status === 'VOTING') throw new LogInUseError(`replica ${replica.id} of log "${head.log}" votes already`);
    const change = { status: 'RECOVERING' as const, restoreId, promised, promisedBy: restoreId };
    const held = await replica.transition(meta, change);
    if (!held.changed && held.meta.restoreId !== restoreId) {
      throw new LogInUseError(`replica ${replica.id} of log "${head.log}" became ${held.meta.status} meanwhile`);
    }
  }
  if (begin > 0) await learnOrThrow(replica, [tombstone({ floor: begin, begin })]);
}

/** A position with its data; the positions before it that hold none are learned as such. */
export interface Restored {
  readonly position: number;
  readonly data: Uint8Array;
}

/** DynamoDB takes 100 items and 4 MiB in one transaction. */
const slotsAtOnce = 50;
const bytesAtOnce = 2 * 1024 ** 2;

/** Learns entries, in order and behind those before, on all replicas; returns where the next one goes. */
export async function learnEntries(parts: LogParts, open: SeededLog, entries: readonly Restored[]): Promise<SeededLog> {
  const slots: LearnedAction[] = [];
  let { next } = open;
  for (const slot of slotsOf(entries)) {
    const [{ position } = { position: next }] = slot;
    if (position > next) slots.push(learned(next, { type: 'NOP', count: position - next }));
    const requests = [{ requestId: 'restored', count: slot.length }];
    slots.push(learned(position, { type: 'APPEND', requests, entries: slot.map(({ data }) => data) }));
    next = position + slot.length;
  }
  await learnAll(parts, slots);
  return { ...open, next };
}

/** Entries that follow each other, as many as a slot takes. */
function slotsOf(entries: readonly Restored[]): Restored[][] {
  const slots: Restored[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const slot = slots.at(-1);
    const follows = slot?.at(-1)?.position === entry.position - 1;
    bytes += entry.data.length;
    if (slot && follows && slot.length < slotEntries && bytes <= slotBytes) slot.push(entry);
    else {
      slots.push([entry]);
      bytes = entry.data.length;
    }
  }
  return slots;
}

/** Learns that nothing is left up to the log's end. */
export async function completeLog(parts: LogParts, { next, end }: SeededLog): Promise<void> {
  if (next <= end) await learnAll(parts, [learned(next, { type: 'NOP', count: end + 1 - next })]);
}

function learned(position: number, value: Value): LearnedAction {
  return { position, promised: 0, promisedBy: '', learned: true, value };
}

async function learnAll({ replicas }: LogParts, slots: readonly LearnedAction[]): Promise<void> {
  const batches: LearnedAction[][] = [];
  let bytes = 0;
  for (const slot of slots) {
    const size = dataBytes(slot);
    const batch = batches.at(-1);
    if (batch && batch.length < slotsAtOnce && bytes + size <= bytesAtOnce) {
      batch.push(slot);
      bytes += size;
    } else {
      batches.push([slot]);
      bytes = size;
    }
  }
  await Promise.all(
    replicas.map(async (replica) => {
      for (const batch of batches) await learnOrThrow(replica, batch);
    }),
  );
}

/**
 * Has the sequencer continue behind the last position, so that the next election need not look at every position again
 * and the log never counts as new; then lets all replicas vote.
 */
export async function releaseLog(parts: LogParts, restoreId: string, now: number): Promise<void> {
  const { replicas, sequencer } = parts;
  const metas = await Promise.all(replicas.map((replica) => replica.read()));
  const ballot = { number: highest(metas, ({ promised }) => promised), writerId: restoreId };
  const views = metas.map(() => undefined);
  const answer = await sequencer.replace(
    undefined,
    closedAfter(
      highest(metas, ({ end }) => end),
      { ...ballot, views, now },
    ),
  );
  // A writer is there when an earlier try came as far: replicas may vote since then, and elect.
  if (!answer.replaced && !('writer' in answer && answer.writer)) throw new Error('The sequencer could not be set');
  const released = await Promise.all(
    replicas.map(async (replica, at) => {
      const meta = metas[at] as Meta;
      if (meta.restoreId !== restoreId) return meta;
      return (await replica.transition(meta, { status: 'VOTING', view: shortId(parts), restoreId })).meta;
    }),
  );
  const behind = released.find(({ status }) => status !== 'VOTING');
  if (behind) throw new Error(`A replica is ${behind.status} after its restore`);
}

const highest = (metas: readonly Meta[], value: (meta: Meta) => number) => Math.max(...metas.map(value));
