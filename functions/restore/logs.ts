/**
 * Bringing a log out of a backup: all replicas are held from voting, learn what is below the first position and every
 * position up to the last, and only then vote, all of them. Design: docs/design/log.md, I7.
 */

import type { LogHead } from '../../api/archive.ts';
import { tombstone } from '../log/protocol/acceptor.ts';
import { learnOrThrow } from '../log/protocol/erase.ts';
import type { LogParts } from '../log/protocol/log.ts';
import type { LearnedAction, Meta, Replica, Value } from '../log/protocol/replica.ts';
import type { OpenLog } from './restore-store.ts';

/** The log is in use: the group is not empty. */
export class LogInUseError extends Error {
  override readonly name = 'LogInUseError';
}

const shortId = ({ chance }: LogParts) => chance.id().replaceAll('-', '').slice(0, 12);

/**
 * Takes all replicas of the log for the restore; every one of them must be reachable. Throws `LogInUseError` when one
 * votes.
 */
export async function holdLog(parts: LogParts, restoreId: string, head: LogHead): Promise<OpenLog> {
  await Promise.all(parts.replicas.map((replica) => holdReplica(parts, replica, restoreId, head)));
  return { log: head.log, next: head.begin, end: head.end };
}

async function holdReplica(parts: LogParts, replica: Replica, restoreId: string, head: LogHead): Promise<void> {
  const { begin, promised } = head;
  const meta = await replica.create({ incarnation: parts.chance.id(), view: shortId(parts) });
  if (meta.restoreId !== restoreId) {
    if (meta.status === 'VOTING') throw new LogInUseError(`replica ${replica.id} of log "${head.log}" votes already`);
    const change = { status: 'RECOVERING' as const, restoreId, promised, promisedBy: restoreId };
    const moved = await replica.transition(meta, change);
    if (!moved.moved && moved.meta.restoreId !== restoreId) {
      throw new LogInUseError(`replica ${replica.id} of log "${head.log}" became ${moved.meta.status} meanwhile`);
    }
  }
  if (begin > 0) await learnOrThrow(replica, [tombstone(begin - 1)]);
}

/** A position with its data; the positions before it that hold none are learned as such. */
export interface Restored {
  readonly position: number;
  readonly data: Uint8Array;
}

/** DynamoDB takes 100 items and 4 MiB in one transaction. */
const actionsAtOnce = 50;
const bytesAtOnce = 2 * 1024 ** 2;

/** Learns entries, in order and behind those before, on all replicas; answers where the next one goes. */
export async function learnEntries(parts: LogParts, open: OpenLog, entries: readonly Restored[]): Promise<OpenLog> {
  let { next } = open;
  const actions: LearnedAction[] = [];
  for (const { position, data } of entries) {
    for (; next < position; next += 1) actions.push(learned(next, { type: 'NOP' }));
    actions.push(learned(position, { type: 'APPEND', data, requestId: 'restored', index: position }));
    next = position + 1;
  }
  await learnAll(parts, actions);
  return { ...open, next };
}

/** Learns what is left up to the log's end. */
export async function completeLog(parts: LogParts, { next, end }: OpenLog): Promise<void> {
  const rest = Array.from({ length: Math.max(0, end + 1 - next) }, (_, at) => learned(next + at, { type: 'NOP' }));
  await learnAll(parts, rest);
}

function learned(position: number, value: Value): LearnedAction {
  return { position, promised: 0, promisedBy: '', learned: true, value };
}

async function learnAll({ replicas }: LogParts, actions: readonly LearnedAction[]): Promise<void> {
  const batches: LearnedAction[][] = [];
  let bytes = 0;
  for (const action of actions) {
    const size = action.value.type === 'APPEND' ? action.value.data.length : 0;
    const batch = batches.at(-1);
    if (batch && batch.length < actionsAtOnce && bytes + size <= bytesAtOnce) {
      batch.push(action);
      bytes += size;
    } else {
      batches.push([action]);
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
 * Sits a closed writer behind the last position, so that the next election need not look at every position again and
 * the log never counts as new; then lets all replicas vote.
 */
export async function releaseLog(parts: LogParts, restoreId: string, since: number): Promise<void> {
  const { replicas, seat } = parts;
  const metas = await Promise.all(replicas.map((replica) => replica.read()));
  const end = highest(metas, (meta) => meta.end);
  await seat.replace(undefined, {
    revision: 1,
    number: highest(metas, ({ promised }) => promised),
    writerId: restoreId,
    first: end + 1,
    next: end + 1,
    settled: end,
    regularFrom: end + 1,
    since,
    closed: true,
    truncation: 0,
    views: metas.map(() => undefined),
    recent: [],
  });
  const moved = await Promise.all(
    replicas.map(async (replica, at) => {
      const meta = metas[at] as Meta;
      if (meta.restoreId !== restoreId) return meta;
      return (await replica.transition(meta, { status: 'VOTING', view: shortId(parts), restoreId })).meta;
    }),
  );
  const behind = moved.find(({ status }) => status !== 'VOTING');
  if (behind) throw new Error(`A replica is ${behind.status} after its restore`);
}

const highest = (metas: readonly Meta[], value: (meta: Meta) => number) => Math.max(...metas.map(value));
