import { documentClient } from '../platform/aws.ts';
import { systemClock } from '../platform/clock.ts';
import { groupTable } from './group-table.ts';
import type { Leadership } from './leadership.ts';
import { leaseTable } from './lease-table.ts';
import { leadershipSettings } from './settings.ts';

/** Builds the room once per Lambda environment, from its variables. */
export function leadershipRoom(): Leadership & { groups: ReturnType<typeof groupTable> } {
  const { TENURE_TABLE, TENURE_MAX_CLOCK_SKEW_MS } = leadershipSettings();
  const client = documentClient();
  return {
    store: leaseTable(client, TENURE_TABLE),
    groups: groupTable(client, TENURE_TABLE),
    clock: systemClock,
    maxClockSkewMs: TENURE_MAX_CLOCK_SKEW_MS,
  };
}
