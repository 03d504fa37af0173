/** The cut of an attempt with all that it holds back, and the end of the hold. Binds the workflow's port. */
import type { ArchiveEntry, LogHead } from '../../../api/archive.ts';
import type { LeaseStore } from '../../../leadership/lease-store.ts';
import type { Clock } from '../../../store/clock.ts';
import { type HeldDeletes, releaseDeletes } from '../../jobs/payloads/held-deletes.ts';
import type { PayloadStore } from '../../jobs/payloads/payload-store.ts';
import type { GroupLogs } from '../../log/group-logs.ts';
import { cutLogs } from '../../log/protocol/cut.ts';
import type { LogParts } from '../../log/protocol/log.ts';
import { positions } from '../../log/protocol/reader.ts';
import type { AttemptName, BackupStore } from '../backup-store.ts';
import type { ArchiveBucket } from '../bucket/archive-bucket.ts';
import { attemptPlace } from '../bucket/archive-place.ts';
import type { Cutting, GroupCutOutcome } from '../ports.ts';
import { putContents } from './cut-contents.ts';
import { defined } from './job-entries.ts';
import { collectJobs, type JobPasses, markJobs } from './jobs-at-cut.ts';

export interface CuttingParts extends JobPasses {
  readonly logs: GroupLogs;
  readonly leases: Pick<LeaseStore, 'read' | 'highestVersion'>;
  readonly held: HeldDeletes;
  readonly bucket: ArchiveBucket;
  readonly bucketName: string;
  readonly store: Pick<BackupStore, 'running'>;
  readonly payloads: PayloadStore;
  readonly clock: Clock;
  /** How long the state lock lasts at most, ms. */
  readonly lockMs: number;
  /** Names a lock: another one for each try. */
  readonly newId: () => string;
}

/** Holds that other backups left behind, one after the other. */
const mostTakeovers = 5;

export function cutting(parts: CuttingParts): Cutting {
  const { logs, held, store, newId } = parts;

  const release = async (group: string, backupId: string) => {
    for (const log of await logs.list(group)) await logs.release(group, log, backupId);
    await releaseDeletes(parts, group, backupId);
  };

  return {
    async positions(group) {
      const names = await logs.list(group);
      const ends = await Promise.all(names.map(async (log) => (await positions(await logs.open(group, log))).end));
      return Object.fromEntries(names.map((log, at) => [log, ends[at] ?? 0]));
    },

    async cut(name) {
      const { group, backupId } = name;
      const isRunning = async () => (await store.running(group)) === backupId;
      try {
        for (let tried = 1; !(await held.hold(group, backupId)); tried += 1) {
          const other = await held.heldBy(group);
          if (tried > mostTakeovers || !(await isRunning())) return again(`backup ${other} holds group "${group}"`);
          if (other !== undefined && other !== backupId) await release(group, other);
        }
        return await placeCut({ ...parts, logs: takingOver(logs, isRunning) }, name, newId());
      } finally {
        // The clean-up may have passed already: what came after it nobody else would let go.
        if (!(await isRunning())) await release(group, backupId);
      }
    },

    release,
  };
}

const again = (why: string) => ({ kind: 'again', again: why }) as const;

/** Of the time that the state lock lasts; the rest is for the logs. */
const passesShare = 0.6;

/**
 * One try: marks the jobs, then reads all of them at one instant while the logs are locked, then keeps what was read.
 */
async function placeCut(parts: CuttingParts, name: AttemptName, token: string): Promise<GroupCutOutcome> {
  const { group, backupId, attempt } = name;
  const lockId = `${backupId}-${attempt}-${token}`;
  if (!(await markJobs(parts, group, backupId))) return again(`backup ${backupId} no longer holds group "${group}"`);
  const outcome = await cutLogs(parts.logs, group, { backupId, lockId }, async () => {
    const until = parts.clock.now() + passesShare * parts.lockMs;
    const [collected, term] = await Promise.all([
      collectJobs(parts, { group, backupId, lockId, until }),
      leadershipEntry(parts, group),
    ]);
    if (collected.kind === 'agreed') return { kind: 'read', rest: { term, collected } };
    if (collected.kind === 'ended') return again(`backup ${backupId} no longer holds group "${group}"`);
    return again(`its jobs did not hold still; the last to change: ${collected.changed.slice(0, 5).join(', ')}`);
  });
  if (outcome.kind === 'again') return outcome;
  const { cut, rest, pausedMs } = outcome;
  const heads = await Promise.all(
    Object.entries(cut).map(async ([log, end]) => logHead(await parts.logs.open(group, log), log, end)),
  );
  const prefix = { bucket: parts.bucketName, key: attemptPlace(name) };
  const contents = { token, head: [rest.term, ...heads], jobs: rest.collected.lines };
  const files = await putContents(parts.bucket, prefix, contents);
  return { kind: 'cut', cut, pausedMs, contents: { token, files, key: parts.newId() } };
}

async function leadershipEntry({ leases }: Pick<CuttingParts, 'leases'>, group: string): Promise<ArchiveEntry> {
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
      for (let tried = 1; ; tried += 1) {
        const standing = await logs.hold(group, log, hold);
        if (standing.backupId === hold.backupId || tried > mostTakeovers || !(await isRunning())) return standing;
        await logs.release(group, log, standing.backupId);
      }
    },
  };
}
