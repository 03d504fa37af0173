/** Whether a group may be restored into: nobody has used it, or a restore that came to nothing has left it. */

import { ProblemError } from '../../api/problem.ts';
import { groupNotEmpty } from '../../api/problems/backups.ts';
import type { LeaseStore } from '../../leadership/lease-store.ts';
import type { GroupLogs } from '../../log/group-logs.ts';
import type { RestoreRecord, RestoreStore, StoredRestore } from './restore-store.ts';

export interface Emptiness {
  readonly leases: Pick<LeaseStore, 'read' | 'highestVersion'>;
  readonly restores: RestoreStore;
  readonly logs: GroupLogs;
}

/**
 * Returns the restore whose place a new one takes, if there is one: it failed half-way and the new one continues with
 * the same backup, or it was abandoned. Throws `group_not_empty`.
 */
export async function predecessorIn(
  room: Emptiness,
  group: string,
  { source, manifestSha256 }: Pick<RestoreRecord, 'source' | 'manifestSha256'>,
): Promise<StoredRestore | undefined> {
  const leadership = await room.leases.read(group, true);
  const owner = leadership && (leadership.restoring ?? leadership.requestId);
  const before = owner === undefined ? undefined : await room.restores.read(group, owner);
  if (leadership?.restoring !== undefined) {
    const same = before?.record.source.prefix === source.prefix && before.record.manifestSha256 === manifestSha256;
    if (before?.record.state === 'FAILED' && same) return before;
    throw notEmpty(group, `restore ${leadership.restoring} owns it`);
  }
  // A leader since then has raised the version, whatever name its request has.
  const untouched = leadership?.fencingVersion === before?.record.version && leadership?.holder === undefined;
  if (leadership && !(before?.record.state === 'ABANDONED' && untouched)) {
    throw notEmpty(group, `its leadership record has version ${leadership.fencingVersion}`);
  }
  if (await room.restores.hasJobs(group)) throw notEmpty(group, 'it has jobs');
  const [log] = await room.logs.list(group);
  if (log !== undefined) throw notEmpty(group, `it has log "${log}"`);
  return before;
}

export function notEmpty(group: string, why: string): ProblemError {
  return new ProblemError(groupNotEmpty, `Group "${group}" is not empty: ${why}; nothing was written.`);
}
