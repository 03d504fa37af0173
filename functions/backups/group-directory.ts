/** Which groups there are: a typing error in a name is no empty group. */
import { ProblemError } from '../../api/problem.ts';
import { groupNotFound } from '../../api/problems/backups.ts';
import type { LeaseStore } from '../../leadership/lease-store.ts';
import type { GroupLogs } from '../../log/group-logs.ts';
import type { JobStore } from '../jobs/job-store.ts';
import type { WorkerStore } from './worker/worker-store.ts';

/** The port to the names of groups. */
export interface GroupDirectory {
  /** Whether the group was ever led, or has a job, a log or a worker. */
  exists(group: string): Promise<boolean>;
}

export interface DirectoryParts {
  readonly leases: Pick<LeaseStore, 'read' | 'highestVersion'>;
  readonly jobs: Pick<JobStore, 'list'>;
  readonly logs: Pick<GroupLogs, 'list'>;
  readonly workers: Pick<WorkerStore, 'list'>;
}

export function groupDirectory({ leases, jobs, logs, workers }: DirectoryParts): GroupDirectory {
  return {
    async exists(group) {
      const [leadership, version, page, names, registered] = await Promise.all([
        leases.read(group, true),
        leases.highestVersion(group),
        jobs.list(group, undefined, 1),
        logs.list(group),
        workers.list(group),
      ]);
      const led = leadership !== undefined || version > 0;
      return led || page.items.length + names.length + registered.length > 0;
    },
  };
}

/** Throws `group_not_found`. */
export async function mustExist({ groups }: { readonly groups: GroupDirectory }, group: string): Promise<void> {
  if (await groups.exists(group)) return;
  throw new ProblemError(
    groupNotFound,
    `Group "${group}" never existed: nobody has led it, and it has no job, log or worker; check its name.`,
  );
}
