/** Workers' registration, commands and answers. Every poll keeps a worker registered. */
import { setTimeout as pause } from 'node:timers/promises';
import { limitReached, notFound, ProblemError } from '../../../api/problem.ts';
import { workerReplaced } from '../../../api/problems/backups.ts';
import { commandIds, isCurrent } from '../attempt/delegation.ts';
import { type BackupRecord, isFinal } from '../backup.ts';
import type { Backups, WithWorkflow } from '../backups.ts';
import { getOrThrow, updateBackup } from '../records.ts';
import { isPresent, type Worker } from './candidates.ts';
import type { Command, CommandAnswer, Instance, Posted } from './worker-store.ts';

interface Name extends Instance {
  readonly group: string;
}

export interface Registration {
  readonly host: string;
  readonly folders?: readonly string[] | undefined;
}

/** How often a held poll looks into the mailbox, ms. */
const lookEveryMs = 250;
/** Added to a worker's own timeout, for the network both ways and for its work in between. */
const allowanceMs = 3_000;
/** A poll that may not be held, because another one of the same worker is, asks again after this, ms. */
const crowdedPollMs = 1_000;

/**
 * Registers the worker, or keeps it registered; returns when it shall ask for commands. Another instance under the same
 * name is lost by that, together with the attempt that it works on. Throws `limit_reached` when the group has as many
 * workers as it may have.
 */
export async function register(
  room: WithWorkflow,
  { group, worker, instanceId }: Name,
  { host, folders }: Registration,
): Promise<{ pollAfterMs: number }> {
  await makeRoom(room, group, worker);
  const { running, asked } = await runningFor(room, { group, worker });
  const pollAfterMs = nextPoll(room, asked);
  const expectedAfterMs = pollAfterMs + allowanceMs;
  const lastSeenAt = room.clock.now();
  await room.workers.register(group, { worker, host, instanceId, folders, lastSeenAt, expectedAfterMs });
  if (running?.worker === worker && running.instanceId !== instanceId) {
    await loseAttempt(room, running, 'was restarted');
  }
  return { pollAfterMs };
}

/** A worker that is gone leaves its place to a new one. */
async function makeRoom({ workers, clock, settings }: Backups, group: string, worker: string): Promise<void> {
  const others = (await workers.list(group)).filter((one) => one.worker !== worker);
  const surplus = others.length + 1 - settings.mostWorkers;
  if (surplus <= 0) return;
  const now = clock.now();
  const gone = others
    .filter((one) => !isPresent(one, now, settings.abandonTimeoutMs))
    .toSorted((one, other) => one.lastSeenAt - other.lastSeenAt);
  if (gone.length < surplus) {
    throw new ProblemError(
      limitReached,
      `Group "${group}" has ${others.length} of at most ${settings.mostWorkers} workers; stop one before you register "${worker}".`,
      { limit: settings.mostWorkers, of: 'workers' },
    );
  }
  for (const { worker: name, instanceId } of gone.slice(0, surplus)) {
    await workers.remove(group, { worker: name, instanceId }, now);
  }
}

interface Running {
  readonly running: BackupRecord | undefined;
  /** Whether it waits for an answer of this worker: then the worker had better hold a poll. */
  readonly asked: boolean;
}

async function runningFor({ store }: Backups, { group, worker }: Name): Promise<Running> {
  const backupId = await store.readRunning(group);
  const running = backupId === undefined ? undefined : (await store.read(group, backupId))?.record;
  const isAsked = running?.worker === worker && !running.builtIn && running.state === 'INITIATING';
  return { running, asked: isAsked };
}

/**
 * 0 for a worker that is being asked; otherwise half to one and a half of the idle time, and at least three within the
 * abandon timeout.
 */
function nextPoll({ settings }: Backups, asked: boolean): number {
  const { idlePollMs, abandonTimeoutMs, holdsPolls } = settings;
  if (asked) return holdsPolls ? 0 : crowdedPollMs;
  return Math.round(Math.min(idlePollMs * (0.5 + Math.random()), abandonTimeoutMs / 3));
}

export interface Polled {
  readonly commands: Command[];
  readonly pollAfterMs: number;
}

/**
 * The commands for a registered worker. They stay until they are answered or expire, so a lost answer loses none. Only
 * a worker that a backup waits for may hold its poll, at most `waitMs` and one poll at a time. Throws `not_found` when
 * the worker is not registered, `worker_replaced` when another instance is.
 */
export async function poll(room: Backups, name: Name, waitMs: number): Promise<Polled> {
  const { workers, clock, settings } = room;
  const { group, worker } = name;
  const mostMs = Math.min(waitMs, settings.abandonTimeoutMs / 3);
  const expectedAfterMs = mostMs + Math.min(1.5 * settings.idlePollMs, settings.abandonTimeoutMs / 3) + allowanceMs;
  const seen = await workers.noteSeen(group, name, clock.now(), expectedAfterMs);
  if (seen === 'unregistered') throw unregistered(name);
  if (seen === 'replaced') throw replaced(name);
  const first = await dueCommands(room, name);
  const { asked } = await runningFor(room, name);
  if (first.length > 0 || !asked || !settings.holdsPolls || mostMs <= 0)
    return { commands: first, pollAfterMs: nextPoll(room, asked) };
  const until = clock.now() + mostMs;
  if (!(await workers.hold(group, worker, clock.now(), until))) return { commands: [], pollAfterMs: crowdedPollMs };
  const commands = await waitForCommands(room, name, until);
  await workers.endHold(group, worker);
  return { commands, pollAfterMs: nextPoll(room, true) };
}

async function waitForCommands(room: Backups, name: Name, until: number): Promise<Command[]> {
  for (let leftMs = until - room.clock.now(); leftMs > 0; leftMs = until - room.clock.now()) {
    await pause(Math.min(lookEveryMs, leftMs));
    const commands = await dueCommands(room, name);
    if (commands.length > 0) return commands;
  }
  return [];
}

async function dueCommands({ workers, clock }: Backups, { group, worker }: Name): Promise<Command[]> {
  const posted = await workers.mailbox(group, worker);
  return posted.filter((one) => isDue(one, clock.now())).map(({ command }) => command);
}

const isDue = ({ answer, expiresAt }: Posted, now: number): boolean => answer === undefined && expiresAt > now;

/**
 * Stores the answer to a command and completes the task that waits for it. Safe to repeat. Throws `not_found` when
 * nobody waits any more: the worker then drops the command and resumes.
 */
export async function answer(
  room: WithWorkflow,
  { group, worker }: Name,
  commandId: string,
  given: CommandAnswer,
): Promise<void> {
  const posted = await room.workers.answer(group, worker, commandId, given);
  if (!posted) throw withdrawn(group, worker, commandId);
  if (posted.taskToken === undefined) return;
  const arrived = given.accepted
    ? await room.workflow.succeed(posted.taskToken, { position: given.position ?? {} })
    : await room.workflow.fail(posted.taskToken, 'Refused', given.reason ?? '');
  if (arrived || !given.accepted) return;
  const { backupId, attempt } = posted.command;
  const { record } = await getOrThrow(room, { group, backupId });
  const passedOver = record.refusals.some((refusal) => refusal.worker === worker);
  if (passedOver || !isCurrent(record, { group, backupId, attempt })) throw withdrawn(group, worker, commandId);
}

/** The worker leaves: the attempt that it works on ends with `WorkerLost` at once. Safe to repeat; a namesake stays. */
export async function goodbye(room: WithWorkflow, name: Name): Promise<void> {
  const { group, worker, instanceId } = name;
  await room.workers.remove(group, name, room.clock.now());
  const { running } = await runningFor(room, name);
  const isIts = instanceId === undefined || running?.instanceId === undefined || running.instanceId === instanceId;
  if (running?.worker === worker && isIts) await loseAttempt(room, running, 'said goodbye');
}

/** Ends the attempt of a worker that is gone for certain, whatever its workflow waits for. */
async function loseAttempt(room: WithWorkflow, { group, backupId, worker }: BackupRecord, why: string): Promise<void> {
  const gaveUp = { code: 'worker_lost', message: `Worker "${worker}" ${why}` };
  const record = await updateBackup(room, { group, backupId }, (seen) => {
    const works = !isFinal(seen) && seen.worker === worker && !seen.builtIn && seen.state !== 'VERIFYING';
    return works && !seen.gaveUp ? { ...seen, gaveUp } : seen;
  });
  if (record.worker === undefined || record.worker !== worker || record.builtIn || record.state === 'VERIFYING') return;
  const { suspend, offer } = commandIds({ group, backupId, attempt: record.attempt });
  const waiting = await Promise.all([suspend, offer].map((id) => room.workers.posted(group, worker, id)));
  const tokens = [record.taskToken, ...waiting.map((posted) => posted?.taskToken)];
  for (const token of tokens) if (token !== undefined) await room.workflow.fail(token, 'WorkerLost', why);
}

/** The workers of the group in order of their names, also those that were not seen for a while, up to a day. */
export async function list(room: Backups, group: string, after = '', limit = 100) {
  const [workers, running] = await Promise.all([room.workers.list(group), room.store.readRunning(group)]);
  const record = running === undefined ? undefined : (await room.store.read(group, running))?.record;
  const items = workers.filter(({ worker }) => worker > after).sort(byName);
  return {
    items: items.slice(0, limit).map((worker) => ({
      ...worker,
      present: isPresent(worker, room.clock.now(), room.settings.abandonTimeoutMs),
      busyWith: record && !record.builtIn && record.worker === worker.worker ? running : undefined,
    })),
    more: items.length > limit,
  };
}

const byName = (one: Worker, other: Worker) => (one.worker < other.worker ? -1 : 1);

function unregistered({ group, worker }: Name): ProblemError {
  return new ProblemError(notFound, `Worker "${worker}" of group "${group}" is not registered; register it first.`);
}

function replaced({ group, worker }: Name): ProblemError {
  return new ProblemError(
    workerReplaced,
    `Another process has registered as worker "${worker}" of group "${group}"; stop this one, or give it a name of its own.`,
  );
}

function withdrawn(group: string, worker: string, commandId: string): ProblemError {
  return new ProblemError(
    notFound,
    `Worker "${worker}" of group "${group}" has no command ${commandId} to answer: it was withdrawn or answered otherwise; drop it.`,
  );
}
