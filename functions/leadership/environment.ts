import { type GroupStore, groupTable } from '../../leadership/group-table.ts';
import { leaseTable } from '../../leadership/lease-table.ts';
import type { Watching } from '../../leadership/watch.ts';
import { systemClock } from '../../store/clock.ts';
import { documentClient } from '../platform/aws.ts';
import { leadershipSettings } from './settings.ts';
import { watchTable } from './watch-table.ts';

/** Builds the room once per Lambda environment, from its variables. */
export function leadershipFromEnvironment(): Watching & { groups: GroupStore } {
  const { TENURE_TABLE, TENURE_MAX_CLOCK_SKEW_MS } = leadershipSettings();
  const client = documentClient();
  return {
    store: leaseTable(client, TENURE_TABLE),
    groups: groupTable(client, TENURE_TABLE),
    watches: watchTable(client, TENURE_TABLE),
    clock: systemClock,
    maxClockSkewMs: TENURE_MAX_CLOCK_SKEW_MS,
  };
}
