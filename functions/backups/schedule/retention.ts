/** Retention of a group with a policy: deletes all but the newest of its completed backups. */
import type { BackupRecord } from '../backup.ts';
import type { WithArchives } from '../backups.ts';
import { discardMs, remove } from '../requests.ts';
import type { PolicyStore } from './policy-store.ts';

export type WithPolicies = { readonly policies: PolicyStore };

/**
 * Deletes the completed backups beyond the newest `retain` of the group's policy, and the failed ones that are older
 * than all that are kept. The newest completed one and those that run always stay. Stops when the time is over; the
 * next run continues. Returns how many went.
 */
export async function retain(
  room: WithArchives & WithPolicies,
  group: string,
  remainingMs: () => number,
): Promise<number> {
  const goOn = () => remainingMs() > discardMs;
  if (!goOn()) return 0;
  const stored = await room.policies.read(group);
  if (!stored) return 0;
  const surplus = beyond(await allOf(room, group), stored.policy.retain);
  let gone = 0;
  for (const { backupId } of surplus) {
    if (!goOn()) break;
    await remove(room, { group, backupId, requestId: `retention-${backupId}` }, goOn);
    gone += 1;
  }
  return gone;
}

/** Which backups go, oldest first. */
export function beyond(backups: readonly BackupRecord[], retained: number): BackupRecord[] {
  const newestFirst = backups.filter(({ state }) => state === 'COMPLETED').sort((one, other) => age(other) - age(one));
  const kept = newestFirst.slice(0, Math.max(1, retained));
  const surplus = newestFirst.slice(kept.length).reverse();
  const oldest = kept.at(-1);
  const full = kept.length === Math.max(1, retained);
  const failed = backups.filter((one) => one.state === 'FAILED' && full && oldest && age(one) < age(oldest));
  return [...surplus, ...failed];
}

const age = ({ startedAt }: BackupRecord) => startedAt;

async function allOf({ store }: WithArchives, group: string): Promise<BackupRecord[]> {
  const all: BackupRecord[] = [];
  let after: string | undefined;
  do {
    const page = await store.list(group, after, 100);
    all.push(...page.items.map(({ record }) => record));
    after = page.last;
  } while (after !== undefined);
  return all;
}
