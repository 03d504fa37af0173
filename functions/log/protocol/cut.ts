/**
 * The cut of a backup: one moment at which the ends of all logs of a group are read together.
 *
 *   hold truncations ─ lock log 1 ─ … ─ lock log n ─┬─ ends still the same? ─ settle up to them ─ all locks still there? ─ unlock
 *                                                   └ the one moment: every log is locked
 *
 * While a log is locked a quorum of its replicas takes no new entry but by a fill, and that moves an end. So what was acknowledged before that
 * moment lies below the cut of its log, and what follows from it lies above the cut of its own. Design: backups, "The cut".
 */

import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import type { GroupLogs } from '../group-logs.ts';
import { applyTruncations, fill } from './fill.ts';
import { inspect, standing } from './inspect.ts';
import { endsThere, holds, lockAll, unlockAll } from './lock.ts';
import type { LogParts } from './log.ts';
import { Unreachable } from './quorum.ts';
import { type Positions, positions } from './reader.ts';

/** The last position of each log that a backup holds. */
export type Cut = Readonly<Record<string, number>>;

/** Positions settled in one go. */
const window = 128;
const inFlightMs = 50;
const logsAtOnce = 16;

const unreachable = (error: unknown) => {
  if (error instanceof Unreachable) return false;
  throw error;
};

interface OpenLog {
  readonly log: string;
  readonly parts: LogParts;
  readonly begin: number;
}

export type CutOutcome = { readonly cut: Cut } | { readonly again: string };

/**
 * Tries once to place the cut of a group's logs. `again` says why it does not count: no quorum, another lock, a lock that was
 * removed meanwhile, a truncation on its way, the hold of another backup. Truncations stay held either way, appends do not.
 */
export async function cutLogs(
  logs: GroupLogs,
  group: string,
  { backupId, lockId }: { backupId: string; lockId: string },
): Promise<CutOutcome> {
  const looked = await mapConcurrent(await logs.list(group), logsAtOnce, (log) => openLog(logs, group, log, backupId));
  const opened: OpenLog[] = [];
  for (const one of looked) {
    if (one && 'again' in one) return one;
    if (one) opened.push(one);
  }
  try {
    return await cutLocked(opened, lockId);
  } finally {
    await Promise.all(opened.map(({ parts }) => unlockAll(parts, lockId)));
  }
}

/** Holds the log's truncations. Undefined for one that has nothing to back up. */
async function openLog(
  logs: GroupLogs,
  group: string,
  log: string,
  backupId: string,
): Promise<OpenLog | { readonly again: string } | undefined> {
  const parts = logs.open(group, log);
  const heads = await positions(parts);
  const { begin, voting, quorum } = heads;
  if (!isQuorum(heads)) {
    if (await isUninitialised(parts).catch(unreachable)) return undefined;
    return { again: `log "${log}": ${voting} of ${quorum} needed replicas vote` };
  }
  const holder = await logs.hold(group, log, { backupId, from: begin });
  if (holder.backupId !== backupId) return { again: `log "${log}": backup ${holder.backupId} holds it` };
  return { log, parts, begin };
}

async function cutLocked(opened: readonly OpenLog[], lockId: string): Promise<CutOutcome> {
  const locked = await Promise.all(opened.map(({ parts }) => lockAll(parts, lockId)));
  const logs = opened.flatMap((one, at) => (locked[at] ? [{ ...one, end: locked[at].end, locked: locked[at] }] : []));
  if (logs.length < opened.length) {
    const free = opened.filter((_, at) => !locked[at]);
    return { again: `${named(free)}: no quorum could be locked` };
  }
  const still = await Promise.all(logs.map(({ parts, locked: cut }) => endsThere(parts, cut)));
  const grown = logs.filter((_, at) => !still[at]);
  if (grown.length > 0) return { again: `${named(grown)}: an entry came in before all logs were locked` };
  const settled = await Promise.all(logs.map(({ parts, end }) => settleTo(parts, end)));
  const open = logs.filter((_, at) => !settled[at]);
  if (open.length > 0) return { again: `${named(open)}: not everything up to the cut could be settled` };
  const heads = await Promise.all(logs.map(({ parts }) => positions(parts)));
  const unread = logs.filter((_, at) => !isQuorum(heads[at]));
  if (unread.length > 0) return { again: `${named(unread)}: no quorum answered` };
  const truncated = logs.filter(({ begin }, at) => begin !== heads[at]?.begin);
  if (truncated.length > 0) return { again: `${named(truncated)}: truncated while the cut was placed` };
  const held = await Promise.all(logs.map(({ parts, locked: cut }) => holds(parts, cut)));
  const lost = logs.filter((_, at) => !held[at]);
  if (lost.length > 0) return { again: `${named(lost)}: the lock was removed before the cut was placed` };
  return { cut: Object.fromEntries(logs.map(({ log, end }) => [log, end])) };
}

const isQuorum = (heads: Positions | undefined) => heads !== undefined && heads.voting >= heads.quorum;

const named = (logs: readonly OpenLog[]) => `log ${logs.map(({ log }) => `"${log}"`).join(', ')}`;

/**
 * Settles every position up to `to`, without touching the writer's promise; false when a quorum did not answer. A truncation that was
 * placed before the hold would take effect after the cut, so these are settled too, wherever they stand, and those that are chosen applied.
 */
export async function settleTo(parts: LogParts, to: number): Promise<boolean> {
  const [heads, seat] = await Promise.all([positions(parts), parts.seat.read()]);
  const from = Math.max(heads.settled, seat?.settled ?? -1, heads.begin - 1) + 1;
  const end = Math.max(to, seat?.truncation ?? 0);
  for (let start = from; start <= end; start += window) {
    const last = Math.min(end, start + window - 1);
    const before = await openIn(parts, start, last);
    if (!(await applyTruncations(parts, before.inspection.chosen.values()))) return false;
    if (before.open.length === 0) continue;
    // What is on its way to the replicas arrives first: a fill that overtakes it would cost the writer its seat.
    await parts.timer.sleep(inFlightMs);
    const { open, inspection } = await openIn(parts, start, last);
    let all = await applyTruncations(parts, inspection.chosen.values());
    await mapConcurrent(open, 8, async (position) => {
      const outcome = await fill(parts, { ...standing(inspection), position });
      if (!('filled' in outcome)) all = false;
    });
    if (!all) return false;
  }
  return true;
}

async function openIn(parts: LogParts, from: number, to: number) {
  const inspection = await inspect(parts, from, to);
  const open: number[] = [];
  for (let position = Math.max(from, inspection.begin); position <= to; position += 1) {
    if (!inspection.chosen.has(position)) open.push(position);
  }
  return { open, inspection };
}

/** Whether nothing was ever written: such a log has nothing to back up. */
async function isUninitialised(parts: LogParts): Promise<boolean> {
  const metas = await Promise.all(parts.replicas.map((replica) => replica.read()));
  const untouched = metas.every(({ status }) => status === 'EMPTY' || status === 'STARTING');
  return untouched && (await parts.seat.read()) === undefined;
}
