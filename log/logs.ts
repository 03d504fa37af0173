/** The logs of a group as callers see them: the protocol's outcomes as answers and problems. */

import type { Fence } from '../api/fence.ts';
import { ProblemError, unavailable } from '../api/problem.ts';
import * as problems from '../api/problems/log.ts';
import { termLost } from '../leadership/leadership.ts';
import type { LeaseStore } from '../leadership/lease-store.ts';
import { keyReused } from '../store/idempotency.ts';
import { namesOf } from './dynamodb/sequencer-item.ts';
import type { Appended } from './protocol/append.ts';
import { elect } from './protocol/coordinator.ts';
import type { LogParts } from './protocol/log.ts';
import type { AppendRequest } from './protocol/placement.ts';
import { ask, isQuorum, StaleConfigurationError, UnreachableError } from './protocol/quorum.ts';
import { type ReadRange, read as readRange } from './protocol/reader.ts';
import type { LogRegistry, RegisteredLog } from './protocol/registry.ts';
import { getLogOrThrow, type LogName } from './registered-log.ts';
import type { WriterMemories } from './writer-memories.ts';

export interface Logs {
  readonly registry: LogRegistry;
  readonly leases: Pick<LeaseStore, 'read'>;
  readonly memories: WriterMemories;
  /** Throws `replica_missing`. */
  partsOf(log: RegisteredLog): LogParts;
}

/** How often a request begins again when the members of the log change while it is under way. */
const configurations = 3;

/**
 * Does something with a log by the configuration that it has now, and again if that changes meanwhile. Throws
 * `not_found`, `replica_missing`, `unavailable`.
 */
export async function withLog<Result>(
  logs: Logs,
  name: LogName,
  act: (parts: LogParts, log: RegisteredLog) => Promise<Result>,
): Promise<Result> {
  for (let tried = 0; tried < configurations; tried += 1) {
    const registered = await getLogOrThrow(logs.registry, name);
    const parts = logs.partsOf(registered);
    try {
      return await reach(name.log, () => act(parts, registered));
    } catch (error) {
      if (!(error instanceof StaleConfigurationError)) throw error;
    }
  }
  throw gone(name.log);
}

/**
 * Elects a writer. With a fence its ballots outrank those of every older term, and the fence must be that of the
 * current one. Throws `leadership_lost`, `election_lost`, `rounds_exhausted`, `log_not_recovered`.
 */
export async function electWriter(logs: Logs, name: LogName, fence: Fence | undefined) {
  const { group, log } = name;
  const election = await withLog(logs, name, async (parts) => {
    if (fence) await mustLead(logs, group, fence);
    const outcome = await elect(parts, fence?.fencingVersion ?? 0);
    if ('elected' in outcome) {
      const writer = logs.memories.of(name, outcome.elected.writerId);
      writer.parts = parts;
      writer.memory.writer = outcome.elected;
    }
    return outcome;
  });
  if ('elected' in election) {
    const { writerId, number, next } = election.elected;
    return { writerId, ballot: number, position: next - 1 };
  }
  if ('lost' in election) {
    const { lost, final } = election;
    const detail = final
      ? `Log "${log}" is at ballot ${lost} of a newer term; stop, or contend for the group's lease.`
      : `Rivals took log "${log}" up to ballot ${lost}; elect again to take it over.`;
    const members = final ? { ballot: lost, final, retryable: false } : { ballot: lost, final, retryAfterMs: 200 };
    throw new ProblemError(problems.electionLost, detail, members);
  }
  if ('exhausted' in election) {
    const detail = `Ballot ${election.exhausted} of log "${log}" is the last one of its version; elect with the next term.`;
    throw new ProblemError(problems.roundsExhausted, detail, { ballot: election.exhausted });
  }
  if ('notRecovered' in election) throw notRecovered(log, election.notRecovered);
  throw gone(log);
}

export async function mustLead({ leases }: Logs, group: string, fence: Fence): Promise<void> {
  const record = await leases.read(group, true);
  const current = record?.fencingVersion === fence.fencingVersion && record.holder?.sessionId === fence.sessionId;
  if (!current) throw termLost(group, fence, record);
}

export interface WriteRequest extends LogName {
  readonly writerId: string;
  /** The caller's Idempotency-Key. */
  readonly key: string;
}

/** Appends entries, 1 to 64; throws `not_elected`, `exclusivity_lost`, `outcome_unknown`, `state_locked`. */
export async function appendEntries(logs: Logs, request: WriteRequest, entries: readonly Uint8Array[]) {
  const names = namesOf(request.key, 'append', ...entries);
  const { first, last } = await write(logs, request, { ...names, content: { type: 'APPEND', entries } });
  return { first, last };
}

/** Positions deleted at once with a truncation; what is left goes with the hour. */
const discardedAtOnce = 200;

/** Truncates; the same errors, and `bad_range`, `truncation_held`. */
export async function truncate(logs: Logs, request: WriteRequest, to: number) {
  const names = namesOf(request.key, 'truncate', String(to));
  const { first } = await write(logs, request, { ...names, content: { type: 'TRUNCATE', to } });
  const { parts } = logs.memories.of(request, request.writerId);
  if (parts) await discardSome(parts);
  return { position: first };
}

/** Waits for a slow replica no longer than a round: the sweep comes by. */
async function discardSome(parts: LogParts): Promise<void> {
  const { replicas, timer, settings } = parts;
  await ask(
    replicas.map((replica) => () => replica.discard(discardedAtOnce)),
    { enough: (soFar) => isQuorum(parts, soFar, () => true), graceMs: settings.graceMs, ms: settings.answerMs, timer },
  );
}

async function write(logs: Logs, request: WriteRequest, named: Omit<AppendRequest, 'writerId'>) {
  const { log, writerId } = request;
  const writer = logs.memories.of(request, writerId);
  writer.parts ??= logs.partsOf(await getLogOrThrow(logs.registry, request));
  const { parts, memory, rounds } = writer;
  const appended = await reach(log, () => rounds.append(parts, memory, { writerId, ...named }));
  if ('first' in appended) return appended;
  if ('notElected' in appended) {
    // The next writer may have been elected by other members.
    writer.parts = undefined;
    await getLogOrThrow(logs.registry, request);
  }
  if ('keyReused' in appended) throw keyReused(`an append or a truncation below ${pathOf(request)}`);
  throw refusal(log, writerId, appended);
}

const pathOf = ({ group, log }: LogName) => `/v1/groups/${group}/logs/${log}`;

type Refused = Exclude<Appended, { first: number } | { keyReused: true }>;

function refusal(log: string, writerId: string, appended: Refused): ProblemError {
  if ('notElected' in appended) {
    const { closed } = appended;
    const why = closed ? 'was closed, and no other was elected' : `is not the elected writer of log "${log}"`;
    const detail = `Writer ${writerId} ${why}; elect a writer of log "${log}" and repeat the request.`;
    return new ProblemError(problems.notElected, detail, closed ? { closed } : {});
  }
  if ('exclusivityLost' in appended) {
    const { promised } = appended.exclusivityLost;
    const detail = `The position of the request was given up under ballot ${promised}: it is not in log "${log}". Elect again.`;
    return new ProblemError(problems.exclusivityLost, detail, { ballot: promised });
  }
  if ('throttled' in appended) {
    const detail = `The stores of log "${log}" take no more at the moment; this try has sent nothing. Repeat the request.`;
    return new ProblemError(problems.throttled, detail, { retryAfterMs: 100 + Math.round(Math.random() * 400) });
  }
  if ('stateLocked' in appended) {
    const detail = `Lock ${appended.stateLocked.lockId} holds appends to log "${log}"; repeat the request.`;
    return new ProblemError(problems.stateLocked, detail, { retryAfterMs: 100 + Math.round(Math.random() * 200) });
  }
  if ('held' in appended) {
    const { backupId, from } = appended.held;
    const detail = `Backup ${backupId} reads log "${log}" from position ${from}; truncate to ${from} at most until it ends.`;
    return new ProblemError(problems.truncationHeld, detail, { backupId, from, retryAfterMs: 5_000 });
  }
  if ('outOfRange' in appended) {
    const { next } = appended.outOfRange;
    const detail = `Log "${log}" can be truncated up to its next position, ${next}.`;
    return new ProblemError(problems.badRange, detail, { next });
  }
  const detail = `It is not known whether the request is in log "${log}"; elect again and repeat it with the same Idempotency-Key.`;
  return new ProblemError(problems.outcomeUnknown, detail, { retryAfterMs: 100 + Math.round(Math.random() * 200) });
}

/** The entries of a range; throws `bad_range`, `truncated`, `past_end`, `pending`, `log_not_recovered`. */
export async function read(logs: Logs, name: LogName, range: ReadRange) {
  const { log } = name;
  const answer = await withLog(logs, name, (parts) => readRange(parts, range));
  if ('items' in answer) return answer;
  if ('badRange' in answer) {
    const { from, to } = answer.badRange;
    throw new ProblemError(
      problems.badRange,
      `Position ${to} lies before ${from}; give \`from\` ≤ \`to\`.`,
      answer.badRange,
    );
  }
  if ('truncated' in answer) {
    const { begin } = answer.truncated;
    throw new ProblemError(problems.truncated, `Log "${log}" begins at position ${begin}; read from there.`, { begin });
  }
  if ('pastEnd' in answer) {
    const { end } = answer.pastEnd;
    throw new ProblemError(problems.pastEnd, `Log "${log}" ends at position ${end}; read up to there, or wait.`, {
      end,
    });
  }
  if ('pending' in answer) {
    const detail = `Position ${answer.pending} of log "${log}" is not settled yet; repeat the request.`;
    throw new ProblemError(problems.pending, detail, { position: answer.pending, retryAfterMs: 500 });
  }
  const { voting, quorum, replicas } = answer.notRecovered;
  throw notRecovered(log, { voting, quorum, statuses: replicas.map(({ status }) => status) });
}

function notRecovered(
  log: string,
  facts: { voting: number; quorum: number; statuses: readonly string[] },
): ProblemError {
  const { voting, quorum, statuses } = facts;
  const detail = `${voting} replicas of log "${log}" vote and ${quorum} must (they are ${statuses.join(', ')}); wait for their recovery.`;
  return new ProblemError(problems.logNotRecovered, detail, { ...facts, retryAfterMs: 1_000 });
}

async function reach<Value>(log: string, act: () => Promise<Value>): Promise<Value> {
  try {
    return await act();
  } catch (cause) {
    if (cause instanceof UnreachableError) throw gone(log, cause);
    throw cause;
  }
}

function gone(log: string, cause?: UnreachableError): ProblemError {
  const detail = `Too few stores of log "${log}" answer; try again with the same Idempotency-Key.`;
  return new ProblemError(unavailable, detail, { retryAfterMs: 200 + Math.round(Math.random() * 300) }, { cause });
}
