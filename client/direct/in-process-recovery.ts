import type { LogRoom } from '../../log/log-room.ts';
import { catchUpSlice, decideRounds } from '../../log/protocol/recovering.ts';
import type { RecoveryPlan, RecoveryStart, RecoveryWorkflow } from '../../log/recovery-workflow.ts';
import { getLogOrThrow } from '../../log/registered-log.ts';
import { type ReplicaName, replicaOf } from '../../log/replicas.ts';

/** How long it is waited at once until a replica can recover, ms. */
const roundsMs = 6_000;
const sliceMs = 30_000;
/** Then it ends, and the next look at the log's replicas begins it anew. */
const mostRounds = 20;
/** A recovery of more takes several of them. */
const mostSlices = 10_000;

interface Run {
  cancelled: boolean;
}

/**
 * The recoveries of replicas in this process, by the steps of the service's workflow. One that the process does not
 * survive leaves its replica as it is; the next leader's begins anew.
 */
export class InProcessRecovery implements RecoveryWorkflow {
  readonly #room: Pick<LogRoom, 'registry' | 'partsOf'>;
  readonly #runs = new Map<string, Run>();

  constructor(room: Pick<LogRoom, 'registry' | 'partsOf'>) {
    this.#room = room;
  }

  async start(input: RecoveryStart): Promise<{ executionId: string }> {
    const executionId = nameOf(input);
    if (!this.#runs.has(executionId)) {
      const run = { cancelled: false };
      this.#runs.set(executionId, run);
      const ended = () => void this.#runs.delete(executionId);
      // One that fails is begun again by the next look, which finds the replica as it is.
      void this.#recover(input, run).then(ended, ended);
    }
    return { executionId };
  }

  async stop(input: ReplicaName): Promise<string[]> {
    const executionId = nameOf(input);
    const run = this.#runs.get(executionId);
    if (!run) return [];
    run.cancelled = true;
    return [executionId];
  }

  async #recover({ group, log, replica, force, plan: given }: RecoveryStart, run: Run): Promise<void> {
    let finished = '';
    let plan = given;
    for (let round = 0; round < mostRounds && !run.cancelled; round += 1) {
      const registered = await getLogOrThrow(this.#room.registry, { group, log });
      const parts = this.#room.partsOf(registered);
      const target = replicaOf(parts, replica);
      if (!plan) {
        const { autoInitialize } = registered;
        const decided = await decideRounds(parts, target, { autoInitialize, force, finished, budgetMs: roundsMs });
        if (decided.next === 'done') return;
        if (decided.next === 'wait') continue;
        plan = decided.plan;
      }
      const isCaughtUp = await caughtUp(parts, target, plan, run);
      finished = isCaughtUp ? plan.incarnation : '';
      plan = null;
    }
  }
}

type Parts = Parameters<typeof catchUpSlice>[0];
type Target = Parameters<typeof catchUpSlice>[1];

async function caughtUp(parts: Parts, target: Target, { incarnation, ranges }: RecoveryPlan, run: Run) {
  for (const whole of ranges) {
    let range = whole;
    for (let slice = 0, next = 'again'; next === 'again'; slice += 1) {
      if (run.cancelled || slice === mostSlices) return false;
      const learned = await catchUpSlice(parts, target, { incarnation, range, budgetMs: sliceMs });
      ({ next, range } = learned);
      if (next === 'stuck') return false;
    }
  }
  return true;
}

const nameOf = ({ group, log, replica }: ReplicaName) => `${group}/${log}/${replica} in this process`;
