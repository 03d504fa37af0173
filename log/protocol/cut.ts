/**
 * The cut of a backup: one moment at which the ends of all logs of a group are read together.
 *
 *   hold truncations ─ lock log 1 ─ … ─ lock log n ─┬─ read the rest of the group ─┬─ settle ─ all locks still there? ─ unlock
 *                                                   └ any moment from here …       └ … to here, where all ends are as they were
 *
 * While a log is locked a quorum of its replicas takes no new entry but by a fill, and that moves an end. So at every
 * moment between the two, what was acknowledged lies below the cut of its log, and what follows from it lies above the
 * cut of its own. The rest of the group, as the caller reads it in between, belongs to the same cut. Design:
 * docs/design/backups.md, "The cut".
 */

import { mapConcurrent } from '../../archive/map-concurrent.ts';
import type { GroupLogs } from '../group-logs.ts';
import { fill, isApplied } from './fill.ts';
import { follow, type Inspection, inspectFrom, prepareFill } from './inspect.ts';
import { endsThere, holds, lockAll, unlockAll } from './lock.ts';
import type { LogParts } from './log.ts';
import { StaleConfigurationError, UnreachableError } from './quorum.ts';
import { type Positions, positions } from './reader.ts';
import { lastOf } from './replica.ts';
import { restOfSlot } from './sequencer.ts';

/** The last position of each log that a backup holds. */
export type Cut = Readonly<Record<string, number>>;

const inFlightMs = 50;
const logsAtOnce = 16;

const unreachable = (error: unknown) => {
  if (error instanceof UnreachableError) return false;
  throw error;
};

interface OpenLog {
  readonly log: string;
  readonly parts: LogParts;
  readonly begin: number;
}

/** Why a try to place the cut does not count; the next one may. */
export interface Again {
  readonly kind: 'again';
  readonly again: string;
}

export interface Placed<Rest> {
  readonly kind: 'cut';
  readonly cut: Cut;
  /** The caller's reading of the rest of the group meanwhile. */
  readonly rest: Rest;
  /** How long appends were held back at most. */
  readonly pausedMs: number;
}

export type CutOutcome<Rest> = Placed<Rest> | Again;

/** Reads the rest of the group while all logs are locked. */
export type ReadRest<Rest> = () => Promise<{ readonly kind: 'read'; readonly rest: Rest } | Again>;

/**
 * Tries once to place the cut of a group's logs. `again` says why it does not count: no quorum, another lock, a lock
 * that was removed meanwhile, a truncation on its way, the hold of another backup. Truncations stay held either way,
 * appends do not.
 */
export async function cutLogs<Rest>(
  logs: GroupLogs,
  group: string,
  { backupId, lockId }: { backupId: string; lockId: string },
  readRest: ReadRest<Rest>,
): Promise<CutOutcome<Rest>> {
  const looked = await mapConcurrent(await logs.list(group), logsAtOnce, (log) => openLog(logs, group, log, backupId));
  const opened: OpenLog[] = [];
  for (const one of looked) {
    if (one && 'again' in one) return one;
    if (one) opened.push(one);
  }
  const now = () => opened[0]?.parts.timer.now() ?? 0;
  const lockedAt = now();
  let outcome: CutOutcome<Rest>;
  try {
    outcome = await cutLocked(opened, lockId, async () => {
      const read = await readRest();
      return read.kind === 'again' ? read : ((await findAppeared(logs, group, opened)) ?? read);
    });
  } catch (error) {
    if (error instanceof StaleConfigurationError) return again('the members of a log have changed');
    throw error;
  } finally {
    await Promise.all(opened.map(({ parts }) => unlockAll(parts, lockId)));
  }
  return outcome.kind === 'cut' ? { ...outcome, pausedMs: Math.max(0, now() - lockedAt) } : outcome;
}

const again = (why: string): Again => ({ kind: 'again', again: why });

/** Holds the log's truncations. Undefined for one that has nothing to back up. */
async function openLog(
  logs: GroupLogs,
  group: string,
  log: string,
  backupId: string,
): Promise<OpenLog | Again | undefined> {
  const parts = await logs.open(group, log);
  const heads = await positions(parts);
  const { begin, voting, quorum } = heads;
  if (!isQuorum(heads)) {
    if (await isUninitialised(parts).catch(unreachable)) return undefined;
    return again(`log "${log}": ${voting} of ${quorum} needed replicas vote`);
  }
  const holder = await logs.hold(group, log, { backupId, from: begin });
  if (holder.backupId !== backupId) return again(`log "${log}": backup ${holder.backupId} holds it`);
  return { log, parts, begin };
}

/**
 * A log that was not there, or held nothing, when the others were opened: what it holds now may have causes and effects
 * in the others.
 */
async function findAppeared(logs: GroupLogs, group: string, opened: readonly OpenLog[]): Promise<Again | undefined> {
  const known = new Set(opened.map(({ log }) => log));
  const others = (await logs.list(group)).filter((log) => !known.has(log));
  const unused = await mapConcurrent(others, logsAtOnce, async (log) =>
    isUninitialised(await logs.open(group, log)).catch(unreachable),
  );
  const [used] = others.filter((_, at) => !unused[at]);
  return used === undefined ? undefined : again(`log "${used}": it came into use while the cut was placed`);
}

async function cutLocked<Rest>(
  opened: readonly OpenLog[],
  lockId: string,
  readRest: ReadRest<Rest>,
): Promise<CutOutcome<Rest>> {
  const locked = await Promise.all(opened.map(({ parts }) => lockAll(parts, lockId)));
  const logs = opened.flatMap((one, at) => (locked[at] ? [{ ...one, end: locked[at].end, locked: locked[at] }] : []));
  if (logs.length < opened.length) {
    return again(`${named(opened.filter((_, at) => !locked[at]))}: no quorum could be locked`);
  }
  const where = async (is: (one: (typeof logs)[number]) => Promise<boolean>) => {
    const answers = await Promise.all(logs.map(is));
    return logs.filter((_, at) => !answers[at]);
  };
  const grown = await where(({ parts, locked: cut }) => endsThere(parts, cut));
  if (grown.length > 0) return again(`${named(grown)}: an entry came in before all logs were locked`);
  const read = await readRest();
  if (read.kind === 'again') return read;
  const late = await where(({ parts, locked: cut }) => endsThere(parts, cut));
  if (late.length > 0) return again(`${named(late)}: an entry came in while the cut was placed`);
  // This may move an end: of a truncation that stands above the cut.
  const ends = await Promise.all(logs.map(({ parts, end }) => settleTo(parts, end)));
  const open = logs.filter((_, at) => ends[at] === undefined);
  if (open.length > 0) return again(`${named(open)}: not everything up to the cut could be settled`);
  const heads = await Promise.all(logs.map(({ parts }) => positions(parts)));
  const unread = logs.filter((_, at) => !isQuorum(heads[at]));
  if (unread.length > 0) return again(`${named(unread)}: no quorum answered`);
  const truncated = logs.filter(({ begin }, at) => begin !== heads[at]?.begin);
  if (truncated.length > 0) return again(`${named(truncated)}: truncated while the cut was placed`);
  const lost = await where(({ parts, locked: cut }) => holds(parts, cut));
  if (lost.length > 0) return again(`${named(lost)}: the lock was removed before the cut was placed`);
  const cut = Object.fromEntries(logs.map(({ log, end }, at) => [log, ends[at] ?? end]));
  return { kind: 'cut', cut, rest: read.rest, pausedMs: 0 };
}

const isQuorum = (heads: Positions | undefined) => heads?.met === true;

const named = (logs: readonly OpenLog[]) => `log ${logs.map(({ log }) => `"${log}"`).join(', ')}`;

/**
 * Settles every slot up to the position `to`, without touching the writer's promise; returns the last position of the
 * slot that holds it. Undefined when a quorum did not answer. A truncation that was placed before the hold would take
 * effect after the cut, so these are settled too, wherever they stand, and those that are chosen applied.
 */
export async function settleTo(parts: LogParts, to: number): Promise<number | undefined> {
  const [heads, writer] = await Promise.all([positions(parts), parts.sequencer.read()]);
  const from = Math.max(heads.settled, writer?.settled ?? -1, heads.floor - 1) + 1;
  let waited = false;
  let end = to;
  const course = await follow<{ failed: true }>(parts, {
    from,
    to: Math.max(to, writer?.truncation ?? 0),
    fromSlot: true,
    async open(position, inspection) {
      // Writes on their way to the replicas arrive first: a fill that overtakes it would cost the writer its election.
      const arrived = waited ? inspection : await afterWrites(parts, position);
      waited = true;
      const known = arrived.chosen.get(position);
      if (known) return { filled: known };
      const outcome = await fill(parts, { ...prepareFill(arrived), position, count: restOfSlot(writer, position) });
      return 'filled' in outcome ? outcome : { failed: true };
    },
    async pass(slot) {
      if (slot.position <= to) end = Math.max(end, lastOf(slot));
      return (await isApplied(parts, slot)) ? undefined : { failed: true };
    },
  });
  return 'next' in course ? end : undefined;
}

async function afterWrites(parts: LogParts, position: number): Promise<Inspection> {
  await parts.timer.sleep(inFlightMs);
  return inspectFrom(parts, position, position);
}

/** Whether nothing was ever written: such a log has nothing to back up. */
async function isUninitialised(parts: LogParts): Promise<boolean> {
  const metas = await Promise.all(parts.replicas.map((replica) => replica.read()));
  const untouched = metas.every(({ status }) => status === 'EMPTY' || status === 'STARTING');
  return untouched && (await parts.sequencer.read()) === undefined;
}
