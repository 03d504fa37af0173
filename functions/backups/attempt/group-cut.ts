/** The cut of an attempt with all that it holds back, and the end of the hold. Binds the workflow's port. */
import type { ArchiveEntry, LogHead } from '../../../api/archive.ts';
import type { LeaseStore } from '../../../leadership/lease-store.ts';
import type { GroupLogs } from '../../../log/group-logs.ts';
import { type Cut, type CutOutcome, cutLogs, type Placed } from '../../../log/protocol/cut.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import { positions } from '../../../log/protocol/reader.ts';
import type { Clock } from '../../../store/clock.ts';
import { type HeldDeletes, releaseDeletes } from '../../jobs/payloads/held-deletes.ts';
import type { PayloadStore } from '../../jobs/payloads/payload-store.ts';
import type { StateLocks } from '../../jobs/state-locks.ts';
import type { AttemptName, BackupStore } from '../backup-store.ts';
import type { ArchiveBucket } from '../bucket/archive-bucket.ts';
import { attemptPlace } from '../bucket/archive-place.ts';
import type { Cutter, GroupCutOutcome } from '../ports.ts';
import { putContents } from './cut-contents.ts';
import { type HoldBack, holdBack } from './hold-back.ts';
import { defined } from './job-entries.ts';
import {
  collectJobs,
  type JobLines,
  type JobPasses,
  type JobsAtCut,
  markJobs,
  type Pass,
  passOver,
} from './jobs-at-cut.ts';

export interface CutterParts extends JobPasses {
  readonly locks: StateLocks;
  /** Readings of all jobs before those that write to them are held back; a quiet group agrees with itself at once. */
  readonly freePasses?: number;
  /** Readings once they are held back. */
  readonly mostPasses?: number;
  readonly logs: GroupLogs;
  readonly leases: Pick<LeaseStore, 'read' | 'highestVersion'>;
  readonly held: HeldDeletes;
  readonly bucket: ArchiveBucket;
  readonly bucketName: string;
  readonly store: Pick<BackupStore, 'readRunning'>;
  readonly payloads: PayloadStore;
  readonly clock: Clock;
  /** How long the state lock of a log lasts at most, ms; that of a job in a large group longer. */
  readonly lockMs: number;
  /** Names a lock: another one for each try. */
  readonly newId: () => string;
}

/** Holds that other backups left behind, one after the other. */
const mostTakeovers = 5;

export class GroupCutter implements Cutter {
  readonly #parts: CutterParts;

  constructor(parts: CutterParts) {
    this.#parts = parts;
  }

  async positions(group: string): Promise<Cut> {
    const { logs } = this.#parts;
    const names = await logs.list(group);
    const ends = await Promise.all(names.map(async (log) => (await positions(await logs.open(group, log))).end));
    return Object.fromEntries(names.map((log, at) => [log, ends[at] ?? 0]));
  }

  async cut(name: AttemptName): Promise<GroupCutOutcome> {
    const { logs, held, newId } = this.#parts;
    const { group, backupId } = name;
    const isRunning = async () => (await this.#parts.store.readRunning(group)) === backupId;
    try {
      for (let tried = 1; !(await held.hold(group, backupId)); tried += 1) {
        const other = await held.heldBy(group);
        if (tried > mostTakeovers || !(await isRunning())) return again(`backup ${other} holds group "${group}"`);
        if (other !== undefined && other !== backupId) await this.release(group, other);
      }
      return await placeCut({ ...this.#parts, logs: takingOver(logs, isRunning) }, name, newId());
    } finally {
      // The clean-up may have passed already: what came after it nobody else would let go.
      if (!(await isRunning())) await this.release(group, backupId);
    }
  }

  async release(group: string, backupId: string): Promise<void> {
    const { logs } = this.#parts;
    for (const log of await logs.list(group)) await logs.release(group, log, backupId);
    await releaseDeletes(this.#parts, group, backupId);
  }
}

const again = (why: string) => ({ kind: 'again', again: why }) as const;

/** Of the time that the state lock lasts; the rest is for the logs. */
const passesShare = 0.6;

/**
 * One try: marks the jobs, then reads all of them at one instant while the logs are locked, then keeps what was read. A
 * group whose jobs do not agree by themselves is held back from before its logs are locked.
 */
async function placeCut(parts: CutterParts, name: AttemptName, token: string): Promise<GroupCutOutcome> {
  const { group, backupId, attempt } = name;
  const lockId = `${backupId}-${attempt}-${token}`;
  if (!(await markJobs(parts, group, backupId))) return ended(name);
  const before = await passOver(parts, group, backupId);
  const free = await cutGroup(parts, name, { lockId, before, mostPasses: parts.freePasses ?? 3 });
  const placed = free.kind === 'busy' ? await cutHeldBack(parts, name, lockId, before.active) : free;
  if (placed.kind === 'busy') {
    return again(`its jobs did not hold still; the last to change: ${placed.changed.slice(0, 5).join(', ')}`);
  }
  return placed.kind === 'cut' ? keep(parts, name, token, placed) : placed;
}

const ended = ({ group, backupId }: AttemptName) => again(`backup ${backupId} no longer holds group "${group}"`);

interface Collected {
  readonly term: ArchiveEntry;
  readonly lines: JobLines;
}
type GroupCut = CutOutcome<Collected> | Extract<JobsAtCut, { kind: 'busy' }>;

interface Reading {
  readonly lockId: string;
  readonly before: Pass;
  readonly mostPasses: number;
  readonly holdBack?: HoldBack | undefined;
}

/** Locks the logs and reads the jobs meanwhile. */
async function cutGroup(parts: CutterParts, name: AttemptName, reading: Reading): Promise<GroupCut> {
  const { group, backupId } = name;
  const { lockId, ...passes } = reading;
  let busy: Extract<JobsAtCut, { kind: 'busy' }> | undefined;
  const outcome = await cutLogs<Collected>(parts.logs, group, { backupId, lockId }, async () => {
    const until = parts.clock.now() + passesShare * parts.lockMs;
    const [collected, term] = await Promise.all([
      collectJobs(parts, { group, backupId, until, ...passes }),
      leadershipEntry(parts, group),
    ]);
    if (collected.kind === 'agreed') {
      // Its failure is that of `cutHeldBack`.
      reading.holdBack?.end().catch(() => undefined);
      return { kind: 'read', rest: { term, lines: collected.lines } };
    }
    if (collected.kind === 'ended') return ended(name);
    busy = collected;
    return again('its jobs did not hold still');
  });
  return busy ?? outcome;
}

/** The same, with every active job locked before the logs are. */
async function cutHeldBack(
  parts: CutterParts,
  name: AttemptName,
  lockId: string,
  active: readonly string[],
): Promise<GroupCut> {
  const lockedAt = parts.clock.now();
  const held = await holdBack(parts, { group: name.group, lockId, jobs: active.length });
  const cutAfter = async () => {
    await held.add(active);
    const before = await passOver(parts, name.group, name.backupId);
    return cutGroup(parts, name, { lockId, before, mostPasses: parts.mostPasses ?? 12, holdBack: held });
  };
  const outcome = await cutAfter().finally(() => held.end());
  return outcome.kind === 'cut' ? { ...outcome, pausedMs: parts.clock.now() - lockedAt } : outcome;
}

/** Keeps what was read where the pages of the attempt are read from. */
async function keep(
  parts: CutterParts,
  name: AttemptName,
  token: string,
  { cut, rest, pausedMs }: Placed<Collected>,
): Promise<GroupCutOutcome> {
  const { group } = name;
  const heads = await Promise.all(
    Object.entries(cut).map(async ([log, end]) => logHead(await parts.logs.open(group, log), log, end)),
  );
  const prefix = { bucket: parts.bucketName, key: attemptPlace(name) };
  const files = await putContents(parts.bucket, prefix, { token, head: [rest.term, ...heads], jobs: rest.lines });
  return { kind: 'cut', cut, pausedMs, contents: { token, files, key: parts.newId() } };
}

async function leadershipEntry({ leases }: Pick<CutterParts, 'leases'>, group: string): Promise<ArchiveEntry> {
  const [record, highest] = await Promise.all([leases.read(group, true), leases.highestVersion(group)]);
  const fencingVersion = record?.fencingVersion ?? 0;
  return defined({
    type: 'leadership',
    fencingVersion,
    highestVersion: Math.max(highest, fencingVersion),
    contenderId: record?.holder?.contenderId,
    confirmedAt: record?.holder?.confirmedAt,
  });
}

async function logHead(parts: LogParts, log: string, end: number): Promise<LogHead> {
  const [{ begin, replicas }, writer] = await Promise.all([positions(parts), parts.sequencer.read()]);
  const promised = Math.max(writer?.number ?? 0, ...replicas.map((replica) => replica.promised));
  return { type: 'log', log, begin, end, promised };
}

/**
 * Logs whose hold takes the place of one that another backup has left behind. Whose hold was seen before this backup
 * was seen running has ended for good, since only one is in progress.
 */
function takingOver(logs: GroupLogs, isRunning: () => Promise<boolean>): GroupLogs {
  return {
    ...logs,
    async hold(group, log, hold) {
      let inForce = await logs.hold(group, log, hold);
      for (let tried = 1; inForce.backupId !== hold.backupId && tried <= mostTakeovers; tried += 1) {
        if (!(await isRunning())) break;
        await logs.release(group, log, inForce.backupId);
        inForce = await logs.hold(group, log, hold);
      }
      return inForce;
    },
  };
}
