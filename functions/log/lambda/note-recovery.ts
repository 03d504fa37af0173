/** A recovery's own report: a note that the log's status shows, and metrics of its log. */

import type { Decided, Slice } from '../../../log/protocol/recovering.ts';
import type { RecoveringReplica, RecoveryProgress } from '../../../log/recovery-progress.ts';
import type { RangeToLearn } from '../../../log/recovery-workflow.ts';
import { isUnavailable } from '../../../store/store-errors.ts';
import { logger } from '../../platform/logging.ts';
import { count, time } from '../../platform/metrics.ts';

/** Between two notes of a slice. */
const everyMs = 2_000;

const nameOf = ({ group, log }: RecoveringReplica) => `${group}/${log}`;

/** Notes what a round decided, and at the end how long the recovery took. */
export async function noteRound(
  progress: RecoveryProgress,
  replica: RecoveringReplica,
  decided: Decided,
  now = Date.now,
): Promise<void> {
  const log = nameOf(replica);
  switch (decided.next) {
    case 'wait':
      count('LogRecoveryRounds', { log, reason: decided.why });
      await ignoreOutage(progress.waits(replica, decided.reason));
      break;
    case 'catchUp':
      count('LogRecoveryRounds', { log, reason: 'catch-up' });
      await ignoreOutage(progress.begins(replica, decided.plan.ranges));
      break;
    case 'done': {
      count('LogRecoveryRounds', { log, reason: 'done' });
      const ended = await ignoreOutage(progress.ends(replica));
      if (ended) time('LogRecoveryTime', now() - ended.startedAt, { log });
    }
  }
}

/** Notes the way of one slice through its range, every few seconds and at its end. */
export function noteSlices(
  progress: RecoveryProgress,
  replica: RecoveringReplica,
  { to }: Pick<RangeToLearn, 'to'>,
  now = Date.now,
) {
  let notedAt = now();
  let last: Promise<unknown> = Promise.resolve();
  const note = (from: number) => {
    notedAt = now();
    last = last.then(() => ignoreOutage(progress.learns(replica, { from, to })));
  };
  return {
    onNext(from: number): void {
      if (now() - notedAt >= everyMs) note(from);
    },
    async end({ range, learned }: Slice): Promise<void> {
      if (learned > 0) count('LogPositionsCaughtUp', { log: nameOf(replica), value: learned });
      note(range.from);
      await last;
    },
  };
}

/** A note is worth no recovery. */
async function ignoreOutage<Noted>(noting: Promise<Noted>): Promise<Noted | undefined> {
  try {
    return await noting;
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    logger.warn('A recovery could not be noted', { error: error as Error });
    return undefined;
  }
}
