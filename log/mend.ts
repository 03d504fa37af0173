/** Repairs of a log: the service's sweep makes them for all, a leader in direct mode for its own. */
import { changeMembers, type MemberService } from './members.ts';
import { unlockForgotten } from './protocol/lock.ts';
import type { RegisteredLog } from './protocol/registry.ts';
import type { Replica } from './protocol/replica.ts';
import type { SeenReplica } from './replica-watch.ts';
import { recoverAll, repairLag } from './replicas.ts';

/** Positions deleted in one request of a replica. */
const discardedAtOnce = 2_000;

/** Starts what its replicas need, and continues a change of its members for `budgetMs` at most. */
export async function mend(
  service: MemberService,
  registered: RegisteredLog,
  seen: readonly SeenReplica[],
  budgetMs: number,
): Promise<{ started: number; repaired: number }> {
  const { group, log, autoInitialize, configuration } = registered;
  const name = { group, log };
  const parts = service.partsOf(registered);
  await unlockForgotten(
    parts,
    seen.flatMap(({ lock }) => lock ?? []),
  );
  const started = await recoverAll(service, name, autoInitialize, seen);
  const repaired = await repairLag(service, name, parts, seen);
  if (configuration.next) await changeMembers(service, name, {}, budgetMs);
  return { started, repaired };
}

/** Deletes what truncations have left, of each replica by itself, until nothing is left or there is no more time. */
export async function discard(replicas: readonly Replica[], hasTime: () => boolean): Promise<number> {
  const counts = replicas.map(async (replica) => {
    let count = 0;
    for (let more = true; more && hasTime(); ) {
      const { discarded, ...left } = await replica.discard(discardedAtOnce);
      count += discarded;
      more = left.more;
    }
    return count;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
