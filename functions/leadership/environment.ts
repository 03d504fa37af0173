import { documentClient } from '../platform/aws.ts';
import { systemClock } from '../platform/clock.ts';
import { type GroupStore, groupTable } from './group-table.ts';
import type { Leadership } from './leadership.ts';
import { leaseTable } from './lease-table.ts';
import { leadershipSettings } from './settings.ts';

/** Builds the room once per Lambda environment, from its variables. */
export function leadershipFromEnvironment(): Leadership & { groups: GroupStore } {
  const { TENURE_TABLE, TENURE_MAX_CLOCK_SKEW_MS } = leadershipSettings();
  const client = documentClient();
  return {
    store: leaseTable(client, TENURE_TABLE),
    groups: groupTable(client, TENURE_TABLE),
    clock: systemClock,
    maxClockSkewMs: TENURE_MAX_CLOCK_SKEW_MS,
  };
}
