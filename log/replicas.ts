/** Requests of operators and the schedule on a replica. */
import { notFound, ProblemError } from '../api/problem.ts';
import { initializationRefused } from '../api/problems/log.ts';
import type { Logs } from './logs.ts';
import { initialize } from './protocol/initialize.ts';
import type { LogParts } from './protocol/log.ts';
import { positions } from './protocol/reader.ts';
import type { Replica } from './protocol/replica.ts';
import type { RecoveryProgress } from './recovery-progress.ts';
import { type RecoveryWorkflow, split } from './recovery-workflow.ts';
import { getLogOrThrow, type LogName } from './registered-log.ts';
import { missingVotes, type SeenReplica } from './replica-watch.ts';

export interface Replicas extends Logs {
  readonly workflow: RecoveryWorkflow;
  readonly progress: Pick<RecoveryProgress, 'read'>;
}

export interface ReplicaName extends LogName {
  readonly replica: string;
}

/** Throws `not_found` for a replica that the deployment does not have. */
export function replicaOf(parts: LogParts, id: string): Replica {
  const replica = parts.replicas.find((one) => one.id === id);
  if (replica) return replica;
  throw new ProblemError(
    notFound,
    `There is no replica "${id}"; there are ${parts.replicas.map((one) => one.id).join(', ')}.`,
  );
}

/** Founds a log by hand; throws `initialization_refused`. */
export async function initializeReplica(logs: Replicas, name: ReplicaName, force: boolean) {
  const parts = logs.partsOf(await getLogOrThrow(logs.registry, name));
  const outcome = await initialize(parts, replicaOf(parts, name.replica), force);
  if ('status' in outcome) return outcome;
  throw new ProblemError(initializationRefused, `Log "${name.log}": ${outcome.refused}.`);
}

/** Starts the recovery of a replica that does not vote, or of any with `force`. */
export async function recoverReplica(logs: Replicas, { group, log, replica }: ReplicaName, force: boolean) {
  const parts = logs.partsOf(await getLogOrThrow(logs.registry, { group, log }));
  const { status, incarnation: life } = await replicaOf(parts, replica).read();
  if (status === 'VOTING' && !force) return { status };
  const { executionId } = await logs.workflow.start({ group, log, replica, force, plan: null, life, asked: true });
  return { status, executionId };
}

/**
 * Stops what recovers a replica or brings it up. Values that a step still learns are kept, but one that was about to
 * let the replica vote finds it in another life. The schedule or an operator may begin again.
 */
export async function cancelRecovery(logs: Replicas, { group, log, replica }: ReplicaName) {
  const parts = logs.partsOf(await getLogOrThrow(logs.registry, { group, log }));
  const target = replicaOf(parts, replica);
  const executionIds = await logs.workflow.stop({ group, log, replica });
  const self = await target.read();
  if (self.status !== 'RECOVERING') return { status: self.status, executionIds };
  const { meta } = await target.transition(self, { status: 'RECOVERING', incarnation: parts.chance.id() });
  return { status: meta.status, executionIds };
}

/** Brings a voting replica up to the others; one that does not vote is recovered. */
export async function catchUpReplica(logs: Replicas, { group, log, replica }: ReplicaName) {
  const parts = logs.partsOf(await getLogOrThrow(logs.registry, { group, log }));
  const { status, incarnation } = await replicaOf(parts, replica).read();
  if (status !== 'VOTING') return recoverReplica(logs, { group, log, replica }, false);
  const [{ begin, end }, writer] = await Promise.all([positions(parts), parts.sequencer.read()]);
  const plan = { incarnation, ranges: split({ from: begin, to: end, fillTo: writer?.settled ?? -1 }) };
  const about = { group, log, replica, force: false, plan };
  const { executionId } = await logs.workflow.start({ ...about, life: incarnation, asked: true });
  return { status, executionId };
}

/** Starts the recovery of all replicas of a log that are to vote, do not, and can be reached. */
export async function recoverAll(
  logs: Replicas,
  { group, log }: LogName,
  autoInitialize: boolean,
  seen: readonly SeenReplica[],
): Promise<number> {
  const waiting = missingVotes(seen, autoInitialize).filter(({ status }) => status !== 'UNREACHABLE');
  for (const { id, incarnation: life } of waiting) {
    await logs.workflow.start({ group, log, replica: id, force: false, plan: null, life });
  }
  return waiting.length;
}

/**
 * Starts the catch-up of voting replicas that lag: what went to them was lost, or they were too slow for the last
 * election. Writes that may still be on their way are left alone.
 */
export async function repairLag(
  logs: Replicas,
  { group, log }: LogName,
  { sequencer, timer, settings }: LogParts,
  seen: readonly SeenReplica[],
): Promise<number> {
  const voting = seen.filter(({ status }) => status === 'VOTING');
  const to = Math.max(-1, ...voting.map(({ end = -1 }) => end));
  const behind = voting.filter(({ end = -1 }) => end < to);
  if (behind.length === 0) return 0;
  const writer = await sequencer.read();
  if (!writer) return 0;
  const isStill = timer.now() - writer.since > settings.stuckMs;
  const lagging = behind.filter(({ end = -1 }) => isStill || end < writer.settled);
  for (const { id: replica, incarnation = '', end = 0 } of lagging) {
    const plan = { incarnation, ranges: split({ from: end, to, fillTo: writer.settled }) };
    await logs.workflow.start({ group, log, replica, force: false, plan, life: incarnation });
  }
  return lagging.length;
}
