/** What workers say and are told. Every call of a worker keeps it registered. */
import { setTimeout as pause } from 'node:timers/promises';
import { notFound, Problem } from '../../../api/problem.ts';
import { commandIds, counts } from '../attempt/delegation.ts';
import { isFinal, isPresent, type Worker } from '../backup.ts';
import type { Backups, WithWorkflow } from '../backups.ts';
import { changed, known } from '../records.ts';
import type { Command, CommandAnswer, Posted } from './worker-store.ts';

interface Name {
  readonly group: string;
  readonly worker: string;
}

/** How often a held poll looks into the mailbox, ms. */
const lookEveryMs = 250;
/** Added to what a worker was told, for the way there and back and for what it has to do in between. */
const allowanceMs = 3_000;

/** Registers the worker, or keeps it registered. Answers when it shall ask for commands. */
export async function register(room: Backups, { group, worker }: Name, host: string): Promise<{ pollAfterMs: number }> {
  const pollAfterMs = await nextPoll(room, group);
  const now = room.clock.now();
  await room.workers.register(group, { worker, host, lastSeenAt: now, expectedAfterMs: pollAfterMs + allowanceMs });
  return { pollAfterMs };
}

/** 0 while a backup is in progress: then the worker had better hold a poll. Otherwise half to one and a half of the idle time. */
async function nextPoll({ store, settings }: Backups, group: string): Promise<number> {
  if ((await store.running(group)) !== undefined) return 0;
  return Math.round(settings.idlePollMs * (0.5 + Math.random()));
}

/**
 * The commands for a registered worker, as soon as there are any, at the latest after `waitMs`. They stay until they are answered or
 * expire, so a lost answer loses none. Throws `not_found` when the worker is not registered.
 */
export async function poll(
  room: Backups,
  { group, worker }: Name,
  waitMs: number,
): Promise<{ commands: Command[]; pollAfterMs: number }> {
  const { workers, clock, settings } = room;
  const until = clock.now() + waitMs;
  const expectedAfterMs = waitMs + 1.5 * settings.idlePollMs + allowanceMs;
  if (!(await workers.seen(group, worker, clock.now(), expectedAfterMs))) throw unregistered(group, worker);
  for (;;) {
    const commands = (await workers.mailbox(group, worker)).filter((posted) => isDue(posted, clock.now()));
    const leftMs = until - clock.now();
    if (commands.length > 0 || leftMs <= 0) {
      return { commands: commands.map(({ command }) => command), pollAfterMs: await nextPoll(room, group) };
    }
    await pause(Math.min(lookEveryMs, leftMs));
  }
}

const isDue = ({ answer, expiresAt }: Posted, now: number): boolean => answer === undefined && expiresAt > now;

/**
 * Takes the answer to a command and completes the task that waits for it. Safe to repeat. Throws `not_found` when nobody waits any
 * more: the worker then drops what it was told and resumes.
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
  const heard = given.accepted
    ? await room.workflow.succeed(posted.taskToken, { position: given.position ?? {} })
    : await room.workflow.fail(posted.taskToken, 'Refused', given.reason ?? '');
  if (heard || !given.accepted) return;
  const { backupId, attempt } = posted.command;
  const { record } = await known(room, { group, backupId });
  const passedOver = record.refusals.some((refusal) => refusal.worker === worker);
  if (passedOver || !counts(record, { group, backupId, attempt })) throw withdrawn(group, worker, commandId);
}

/** The worker takes leave: whoever waits for it hears `WorkerLost` at once. Safe to repeat. */
export async function goodbye(room: WithWorkflow, { group, worker }: Name): Promise<void> {
  await room.workers.remove(group, worker, room.clock.now());
  const backupId = await room.store.running(group);
  if (backupId === undefined) return;
  const gaveUp = { code: 'worker_lost', message: `Worker "${worker}" said goodbye` };
  const record = await changed(room, { group, backupId }, (seen) => {
    const works = !isFinal(seen) && seen.worker === worker && !seen.builtIn && seen.state !== 'VERIFYING';
    return works && !seen.gaveUp ? { ...seen, gaveUp } : seen;
  });
  if (record.worker !== worker || record.builtIn || record.state === 'VERIFYING') return;
  const { suspend, offer } = commandIds({ group, backupId, attempt: record.attempt });
  const waiting = await Promise.all([suspend, offer].map((id) => room.workers.posted(group, worker, id)));
  const tokens = [record.taskToken, ...waiting.map((posted) => posted?.taskToken)];
  for (const token of tokens) if (token !== undefined) await room.workflow.fail(token, 'WorkerLost', 'said goodbye');
}

/** The workers of the group in order of their names, also those that were not seen for a while, up to a day. */
export async function list(room: Backups, group: string, after = '', limit = 100) {
  const [workers, running] = await Promise.all([room.workers.list(group), room.store.running(group)]);
  const record = running === undefined ? undefined : (await room.store.read(group, running))?.record;
  const items = workers.filter(({ worker }) => worker > after).sort(byName);
  return {
    items: items.slice(0, limit).map((worker) => ({
      ...worker,
      present: isPresent(worker, room.clock.now()),
      busyWith: record && !record.builtIn && record.worker === worker.worker ? running : undefined,
    })),
    more: items.length > limit,
  };
}

const byName = (one: Worker, other: Worker) => (one.worker < other.worker ? -1 : 1);

function unregistered(group: string, worker: string): Problem {
  return new Problem(notFound, `Worker "${worker}" of group "${group}" is not registered; register it first.`);
}

function withdrawn(group: string, worker: string, commandId: string): Problem {
  return new Problem(
    notFound,
    `Worker "${worker}" of group "${group}" has no command ${commandId} to answer: it was withdrawn or answered otherwise; drop it.`,
  );
}
