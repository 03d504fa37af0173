/** Founding a fresh log in the request that creates it, by the same steps as its replicas' recoveries take. */
import type { LogParts } from './log.ts';
import { ask } from './quorum.ts';
import { recoveryRound } from './recovery.ts';
import type { Meta, Status } from './replica.ts';

/** STARTING, then VOTING; once more for who met another that founds the log. */
const mostRounds = 3;

/** The states of a replica while its log is being founded: nothing recovers from it, and it has promised nothing. */
const founding: readonly (Status | undefined)[] = ['EMPTY', 'STARTING', 'VOTING'];

/**
 * Lets the replicas of a log vote that nobody has used yet. Leaves a log alone of which a replica gives no answer,
 * recovers, or has a record next to an empty one: that is for recoveries, which take longer.
 */
export async function found(parts: LogParts): Promise<void> {
  for (let round = 0; round < mostRounds; round += 1) {
    const metas = await records(parts);
    const statuses = metas.map((meta) => meta?.status);
    const isFresh = statuses.every((status) => founding.includes(status));
    const isSplit = statuses.includes('EMPTY') && statuses.includes('VOTING');
    const waiting = parts.replicas.filter((_, at) => statuses[at] !== 'VOTING');
    if (!isFresh || isSplit || waiting.length === 0) return;
    await ask(
      waiting.map((replica) => () => recoveryRound(parts, replica, true)),
      { enough: () => false, ms: parts.settings.answerMs, timer: parts.timer },
    );
  }
}

function records({ replicas, timer, settings }: LogParts): Promise<(Meta | undefined)[]> {
  return ask(
    replicas.map((replica) => () => replica.read()),
    { enough: () => false, ms: settings.answerMs, timer },
  );
}
