/**
 * Deleting a group: its logs, jobs, payloads, terms, workers and policy. One request does as much as its time allows,
 * and repeating it continues: every step is safe to repeat, and whatever is left shows what there is to do.
 *
 *   own the group ─ logs ─ items ─ payloads ─ the record itself
 *
 * While it is owned nobody can lead it, as during a restore. Each step checks that it is owned by this very deletion,
 * so that a request that was delayed does nothing to a group of the same name. One FLOOR item stays: the next leader
 * of a group of this name gets a version above all that were ever given out. Backups stay, too; they are deleted one by
 * one.
 */
import { randomUUID } from 'node:crypto';
import { notFound, ProblemError, unavailable } from '../../api/problem.ts';
import { groupInUse } from '../../api/problems/leadership.ts';
import {
  availableInMs,
  deletionPrefix,
  type LeadershipRecord,
  occupantOf,
  versionGap,
} from '../../leadership/lease.ts';
import type { LeaseStore } from '../../leadership/lease-store.ts';
import type { GroupLogs } from '../../log/group-logs.ts';
import { eraseLog } from '../../log/protocol/erase.ts';
import type { Clock } from '../../store/clock.ts';
import type { Key } from '../../store/item.ts';
import { retryConflicts } from '../../store/retry-conflicts.ts';
import { OutOfTimeError } from '../backups/worker/built-in-worker.ts';
import { prefixOf } from '../jobs/clean-up/collector.ts';
import { jobPrefix } from '../jobs/keys.ts';
import type { PayloadStore } from '../jobs/payloads/payload-store.ts';
import type { DeletionStore } from './deletion-table.ts';

export interface Deleting {
  readonly deletions: DeletionStore;
  readonly leases: Pick<LeaseStore, 'read' | 'highestVersion'>;
  readonly logs: GroupLogs;
  readonly payloads: Pick<PayloadStore, 'list' | 'discard'>;
  readonly clock: Clock;
  readonly maxClockSkewMs: number;
}

/** How much was deleted, or with `dryRun` would be: of that, at most one page of jobs is counted. */
export interface Deletion {
  /** False for a dry run, and while there is more: repeat the request. */
  readonly deleted: boolean;
  readonly logs: number;
  readonly jobs: number;
  readonly payloads: number;
}

const beginTries = 5;

/** Throws `not_found`, `group_in_use`, `group_restoring` or `unavailable`. */
export async function deleteGroup(
  room: Deleting,
  group: string,
  { dryRun, budgetMs }: { readonly dryRun: boolean; readonly budgetMs: number },
): Promise<Deletion> {
  const until = room.clock.now() + budgetMs;
  const record = await room.leases.read(group, true);
  if (dryRun) return look(room, group, record);
  await refuseBackup(room, group);
  const deletionId = record?.restoring?.startsWith(deletionPrefix) ? record.restoring : await own(room, group);
  if (deletionId === undefined) return { deleted: true, logs: 0, jobs: 0, payloads: 0 };
  const total = { logs: 0, jobs: 0, payloads: 0 };
  try {
    const goOn = () => {
      if (room.clock.now() >= until) throw new OutOfTimeError();
    };
    await eraseLogs(room, group, deletionId, total, goOn);
    await emptyItems(room, group, deletionId, total, goOn);
    await discardPayloads(room, group, total, goOn);
    if (!(await room.deletions.end(group, deletionId, room.clock.now()))) throw superseded(group);
    return { deleted: true, ...total };
  } catch (error) {
    if (error instanceof OutOfTimeError) return { deleted: false, ...total };
    throw error;
  }
}

async function look(room: Deleting, group: string, record: LeadershipRecord | undefined): Promise<Deletion> {
  if (!record?.restoring?.startsWith(deletionPrefix)) await refuseUse(room, group, record);
  const [logs, { items }, { items: payloads }] = await Promise.all([
    room.logs.list(group),
    room.deletions.page(group, undefined),
    room.payloads.list(prefixOf(group), undefined),
  ]);
  if (!record && logs.length + items.length === 0) await refuseUnknown(room, group);
  return { deleted: false, logs: logs.length, jobs: items.filter(isJob).length, payloads: payloads.length };
}

const isJob = ({ sk }: Key): boolean => sk.startsWith(jobPrefix);

/** The deletion that owns the group from now on; undefined where there is nothing left of it. */
async function own(room: Deleting, group: string): Promise<string | undefined> {
  const { deletions, leases, clock, maxClockSkewMs } = room;
  return retryConflicts({ tries: beginTries, of: `the record of group "${group}"` }, async () => {
    const record = await leases.read(group, true);
    if (record?.restoring?.startsWith(deletionPrefix)) return { kind: 'done', value: record.restoring };
    await refuseUse(room, group, record);
    const highest = await leases.highestVersion(group);
    if (!record && (await isBare(room, group))) {
      await refuseUnknown(room, group);
      return { kind: 'done', value: undefined };
    }
    const deletionId = `${deletionPrefix}${randomUUID()}`;
    const version = record ? record.fencingVersion + 1 : highest + versionGap;
    const beginning = { deletionId, seen: record, version, now: clock.now(), maxClockSkewMs };
    const isOwned = await deletions.begin(group, beginning);
    return isOwned ? { kind: 'done', value: deletionId } : { kind: 'conflict' };
  });
}

async function isBare({ deletions, logs }: Deleting, group: string): Promise<boolean> {
  const [names, { items, last }] = await Promise.all([logs.list(group), deletions.page(group, undefined)]);
  return names.length + items.length === 0 && last === undefined;
}

async function refuseUse(room: Deleting, group: string, record: LeadershipRecord | undefined): Promise<void> {
  const now = room.clock.now();
  if (record?.restoring !== undefined) throw inUse(group, `restore ${record.restoring} owns it`);
  const waitMs = availableInMs(record, now, room.maxClockSkewMs);
  if (record && waitMs > 0) {
    const who = occupantOf(record, now)?.contenderId;
    const why = who === undefined ? 'its lease is not over' : `"${who}" leads it, or may`;
    throw inUse(group, `${why} for ${Math.ceil(waitMs / 1000)} s more; stop it first`);
  }
  await refuseBackup(room, group);
}

async function refuseBackup({ deletions }: Deleting, group: string): Promise<void> {
  const backupId = await deletions.backupOf(group);
  if (backupId !== undefined) throw inUse(group, `backup ${backupId} is in progress; wait for it or cancel it`);
}

const inUse = (group: string, why: string): ProblemError =>
  new ProblemError(groupInUse, `Group "${group}" is in use: ${why}. Nothing was deleted.`);

/** One that was deleted leaves its version: a request that is repeated has succeeded. */
async function refuseUnknown({ leases }: Deleting, group: string): Promise<void> {
  if ((await leases.highestVersion(group)) > 0) return;
  throw new ProblemError(
    notFound,
    `There is no group "${group}": nobody has led it, and it has no job, log or worker.`,
  );
}

/** A slower request of the same deletion has done the rest, and the group may have been made anew since. */
const superseded = (group: string): ProblemError =>
  new ProblemError(unavailable, `Another request has deleted group "${group}"; look at it again.`, {
    retryAfterMs: 1_000,
  });

async function eraseLogs(
  room: Deleting,
  group: string,
  deletionId: string,
  total: { logs: number },
  goOn: () => void,
): Promise<void> {
  for (const log of await room.logs.list(group)) {
    goOn();
    if ((await room.leases.read(group, true))?.restoring !== deletionId) throw superseded(group);
    await eraseLog(await room.logs.open(group, log), deletionId, goOn);
    await room.logs.forget(group, log);
    total.logs += 1;
  }
}

async function emptyItems(
  room: Deleting,
  group: string,
  deletionId: string,
  total: { jobs: number },
  goOn: () => void,
): Promise<void> {
  let after: Key | undefined;
  do {
    goOn();
    const { items, last } = await room.deletions.page(group, after);
    if (!(await room.deletions.empty(group, deletionId, items, room.clock.now()))) throw superseded(group);
    total.jobs += items.filter(isJob).length;
    after = last;
  } while (after !== undefined);
}

/** After the jobs that refer to them. The next request finds again whatever cannot be deleted now. */
async function discardPayloads(
  { payloads }: Deleting,
  group: string,
  total: { payloads: number },
  goOn: () => void,
): Promise<void> {
  let more = true;
  while (more) {
    goOn();
    const page = await payloads.list(prefixOf(group), undefined);
    const keys = page.items.map(({ key }) => key);
    const left = keys.length === 0 ? [] : await payloads.discard(keys);
    total.payloads += keys.length - left.length;
    if (left.length > 0) {
      const detail = `${left.length} payloads of group "${group}" could not be deleted; repeat the request to continue.`;
      throw new ProblemError(unavailable, detail, { retryAfterMs: 1_000 });
    }
    more = page.more;
  }
}
