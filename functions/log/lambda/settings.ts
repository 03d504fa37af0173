import * as z from 'zod/mini';
import { readSettings, tableName, wholeNumber } from '../../platform/settings.ts';

/** A replica's table: its name, after `region/` when it lies in another Region. */
export interface ReplicaAddress {
  readonly region?: string;
  readonly table: string;
}

const addresses = z
  .pipe(
    z.string().check(z.minLength(3)),
    z.transform((text) =>
      text.split(',').map((address): ReplicaAddress => {
        const [table = '', region] = address.split('/').reverse();
        return region ? { region, table } : { table };
      }),
    ),
  )
  .check(z.refine((replicas) => replicas.length <= 10, 'must name 1 to 10 tables'));

export function logSettings() {
  return readSettings({
    TENURE_TABLE: tableName,
    TENURE_REPLICA_TABLES: addresses,
    TENURE_MOST_LOGS: wholeNumber(1, 1_000, 100),
  });
}

/** The workflow that recovers a replica. */
export function recoveryWorkflow(): string {
  return readSettings({ TENURE_RECOVERY_WORKFLOW: z.string().check(z.minLength(1)) }).TENURE_RECOVERY_WORKFLOW;
}
