/** The port to the workflow that recovers a replica. */

export interface RecoveryInput {
  readonly group: string;
  readonly log: string;
  /** The replica's id. */
  readonly replica: string;
  /** The same for all executions that work on this replica; their names begin with it. */
  readonly key: string;
  /** Recovers a replica that votes too, and one from fewer than a quorum: what the lost ones held is given up. */
  readonly force: boolean;
  /** Given, the first round is left out. */
  readonly plan: RecoveryPlan | null;
}

export interface RecoveryPlan {
  readonly incarnation: string;
  readonly ranges: readonly RangeToLearn[];
}

/** Positions to bring a replica up with; above `fillTo` only what is settled is learned. */
export interface RangeToLearn {
  readonly from: number;
  readonly to: number;
  readonly fillTo: number;
  /** Takes for chosen whatever is left. */
  readonly salvage?: true | undefined;
}

export interface RecoveryStart extends Omit<RecoveryInput, 'key'> {
  /** The replica's incarnation, where it is known: the execution is named after it. */
  readonly life?: string | undefined;
  /** By an operator: it begins now, also when another one has just ended. */
  readonly asked?: true;
}

export interface RecoveryWorkflow {
  /** Starts an execution unless one works on this replica already; returns the one that does. */
  start(input: RecoveryStart): Promise<{ executionId: string }>;
  /** Stops the executions that work on this replica; returns those. */
  stop(input: Pick<RecoveryInput, 'group' | 'log' | 'replica'>): Promise<string[]>;
}

const mostRanges = 8;
const leastInRange = 512;

/** Cuts a range into parts that are caught up at the same time. */
export function split({ from, to, ...rest }: RangeToLearn): RangeToLearn[] {
  if (to < from) return [];
  const count = Math.max(1, Math.min(mostRanges, Math.floor((to - from + 1) / leastInRange)));
  const size = Math.ceil((to - from + 1) / count);
  return Array.from({ length: count }, (_, at) => {
    const first = from + at * size;
    return { from: first, to: Math.min(to, first + size - 1), ...rest };
  }).filter((range) => range.from <= range.to);
}
