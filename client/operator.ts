import type * as z from 'zod/mini';
import { collectOrphans } from '../api/operations/checkpoints.ts';
import * as leadership from '../api/operations/leadership.ts';
import { showLog } from '../api/operations/log.ts';
import * as replicas from '../api/operations/log-replicas.ts';
import { listWorkers } from '../api/operations/workers.ts';
import type { CallOptions } from './request.ts';
import type { TenureClient } from './tenure-client.ts';

/** A group with its leader, if it has one. */
export type GroupView = z.output<typeof leadership.groups.answer>['items'][number];
/** A confirmed term of a group, running or ended. */
export type PastTerm = z.output<typeof leadership.terms.answer>['items'][number];
/** A backup worker of a group. */
export type RegisteredWorker = z.output<typeof listWorkers.answer>['items'][number];
/** A table of the deployment that can be a replica of a log. */
export type ReplicaTable = z.output<typeof replicas.listReplicaTables.answer>['items'][number];

type Revocation = z.input<typeof leadership.revoke.body>;
type HandOver = z.input<typeof leadership.handOver.body>;
type ReplicaChange = z.input<typeof replicas.changeReplicas.body>;

/** Counts of a group's deleted parts, or with dryRun of those that exist; `deleted` once only its backups are left. */
export type DeletedGroup = z.output<typeof leadership.deleteGroup.answer>;

export interface DeleteGroupOptions extends CallOptions {
  /** @defaultValue false */
  readonly dryRun?: boolean;
  readonly progress?: (total: DeletedGroup) => void;
}

/** Of one deletion: at 15 s each, more than four hours. */
const mostDeleteRequests = 1_000;

/**
 * Reads and changes all groups, their terms, workers and replicas. Needs a policy of the caller
 * `operator`; listing all groups needs one for every group (docs/permissions.md).
 *
 * @example
 * ```ts
 * import { Operator, TenureClient } from 'tenure';
 *
 * const operator = new Operator({ client: new TenureClient() });
 * for await (const { group, leader } of operator.groups()) console.log(group, leader?.contenderId ?? 'no leader');
 * ```
 */
export class Operator {
  readonly #client: TenureClient;

  constructor({ client }: { readonly client: TenureClient }) {
    this.#client = client;
  }

  /** Lists all groups, page by page as they are consumed. */
  groups(call: CallOptions = {}): AsyncGenerator<GroupView> {
    return this.#client.items<GroupView>(leadership.groups, call);
  }

  /** Lists the confirmed terms of a group, newest first. */
  terms(group: string, call: CallOptions = {}): AsyncGenerator<PastTerm> {
    return this.#client.items<PastTerm>(leadership.terms, { ...call, params: { group } });
  }

  /**
   * Ends another's term. Returns who led and when the next contender can take over; with `dryRun` nothing happens.
   *
   * @throws TenureError `leadership_lost` when the version is not that of the running term.
   */
  revoke(group: string, revocation: Revocation, call: CallOptions = {}) {
    return this.#client.revoke(group, revocation, call);
  }

  /** Asks the leader to stop its work and to resign. @throws TenureError `leadership_lost`. */
  handOver(group: string, request: HandOver, call: CallOptions = {}) {
    return this.#client.handOver(group, request, call);
  }

  /**
   * Deletes a group that nobody leads, with its logs, jobs, payloads and terms, in as many requests as it takes; each
   * says how far it is to `progress`. Its backups stay. The next leader of a group of this name gets a fencing version
   * above all that were given out. With `dryRun` nothing happens.
   *
   * @throws TenureError `group_in_use`, `not_found`.
   */
  async deleteGroup(group: string, { dryRun = false, progress, ...call }: DeleteGroupOptions = {}) {
    const total = { deleted: false, logs: 0, jobs: 0, payloads: 0 };
    for (let request = 0; request < mostDeleteRequests && !total.deleted; request += 1) {
      const query = { dryRun: `${dryRun}` } as const;
      const times = { timeoutMs: 30_000, deadlineMs: 60_000 };
      const options = { ...times, ...call, params: { group }, query };
      const { deleted, ...done } = await this.#client.call(leadership.deleteGroup, options);
      total.deleted = deleted;
      for (const what of ['logs', 'jobs', 'payloads'] as const) total[what] += done[what];
      progress?.({ ...total });
      if (dryRun) break;
    }
    return total;
  }

  /** Lists the backup workers of a group. */
  workers(group: string, call: CallOptions = {}): AsyncGenerator<RegisteredWorker> {
    return this.#client.items<RegisteredWorker>(listWorkers, { ...call, params: { group } });
  }

  /** Returns a log with its replicas, and how far each is behind. @throws TenureError `not_found`. */
  replicas(group: string, log: string, call: CallOptions = {}) {
    return this.#client.call(showLog, { ...call, params: { group, log } });
  }

  /** Returns the tables of the deployment that can be replicas. */
  async replicaTables(group: string, call: CallOptions = {}): Promise<readonly ReplicaTable[]> {
    return (await this.#client.call(replicas.listReplicaTables, { ...call, params: { group } })).items;
  }

  /**
   * Begins or continues a change of a log's replicas: repeat it until `waitsFor` is absent.
   *
   * @throws TenureError `members_refused`, `replica_missing`, `not_found`.
   */
  changeReplicas(group: string, log: string, change: ReplicaChange, call: CallOptions = {}) {
    return this.#client.call(replicas.changeReplicas, { ...call, params: { group, log }, body: change });
  }

  /** Recovers a replica from the others; `force` also one that votes, giving up what a lost quorum held. */
  recoverReplica(
    group: string,
    log: string,
    replica: string,
    { force = false, ...call }: CallOptions & { readonly force?: boolean } = {},
  ) {
    const params = { group, log, replica };
    return this.#client.call(replicas.recoverReplica, { ...call, params, body: { force } });
  }

  /** Deletes payloads of a group that nothing refers to, one page at a time; `dryRun` only lists them. */
  collectOrphans(group: string, body: z.input<typeof collectOrphans.body> = {}, call: CallOptions = {}) {
    return this.#client.call(collectOrphans, { ...call, params: { group }, body });
  }
}
