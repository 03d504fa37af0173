import type * as z from 'zod/mini';
import * as operations from '../../api/operations/backups.ts';
import type { CallOptions } from '../request.ts';
import type { TenureClient } from '../tenure-client.ts';
import { hasCode } from '../tenure-error.ts';

/** When backups are taken by themselves, and how many are kept. */
export type BackupPolicy = z.output<typeof operations.backupPolicy>;

/** A policy as it is set: either `everyMs` or `dailyAt`. */
export type BackupPolicyInput = z.input<typeof operations.backupPolicy>;

/**
 * The backup schedule of a group.
 *
 * @example
 * ```ts
 * import { BackupPolicies, TenureClient } from 'tenure';
 *
 * const policies = new BackupPolicies({ client: new TenureClient(), group: 'orders' });
 * await policies.set({ dailyAt: '02:30', retain: 7 });
 * console.log((await policies.get())?.retain);
 * ```
 */
export class BackupPolicies {
  readonly #client: TenureClient;
  readonly #params: { readonly group: string };

  constructor({ client, group }: { readonly client: TenureClient; readonly group: string }) {
    this.#client = client;
    this.#params = { group };
  }

  /** Sets or replaces the schedule. @throws TenureError `invalid_request`. */
  set(policy: BackupPolicyInput, call: CallOptions = {}): Promise<BackupPolicy> {
    return this.#client.call(operations.putBackupPolicy, { ...call, params: this.#params, body: policy });
  }

  /** Returns the schedule, or undefined when the group has none. */
  async get(call: CallOptions = {}): Promise<BackupPolicy | undefined> {
    try {
      return await this.#client.call(operations.getBackupPolicy, { ...call, params: this.#params });
    } catch (error) {
      if (hasCode(error, 'not_found')) return undefined;
      throw error;
    }
  }

  /** Stops taking backups on a schedule; backups that were taken stay. */
  async remove(call: CallOptions = {}): Promise<void> {
    await this.#client.call(operations.deleteBackupPolicy, { ...call, params: this.#params });
  }
}
