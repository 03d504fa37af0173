import { journal, journalMs } from '../../api/operations/journal.ts';
import type { GroupStore } from '../../leadership/group-table.ts';
import type { Leadership } from '../../leadership/leadership.ts';
import {
  contendOperations,
  leaseOperations,
  observeOperations,
  operateOperations,
} from '../../leadership/operations.ts';
import type { Watching } from '../../leadership/watch.ts';
import type { Clock } from '../../store/clock.ts';
import { type Endpoint, endpoint } from '../platform/http.ts';
import { served } from '../platform/served.ts';
import { toMinute } from './journal-items.ts';
import type { JournalStore } from './journal-table.ts';

export const contendRoutes = (leadership: Leadership): Endpoint[] => served(contendOperations(leadership));

export const leaseRoutes = (leadership: Leadership): Endpoint[] => served(leaseOperations(leadership));

/** Without a place for holds no request is held. */
export const observeRoutes = (leadership: Leadership & Partial<Watching>): Endpoint[] =>
  served(observeOperations(leadership, leadership.watches));

export const operateRoutes = (leadership: Leadership, groups: GroupStore): Endpoint[] =>
  served(operateOperations(leadership, groups));

export interface JournalReader {
  readonly journal: JournalStore;
  readonly isKept: boolean;
  readonly clock: Clock;
}

const usualPeriodMs = 3_600_000;

export const journalRoutes = ({ journal: store, isKept, clock }: JournalReader): Endpoint[] => [
  endpoint(journal, async ({ params, query: { since } }) => {
    const now = clock.now();
    const from = since === undefined ? now - usualPeriodMs : Date.parse(since);
    // The minute of yesterday at this time is the one that is written now.
    const begin = Math.max(from, now - journalMs + 60_000);
    const items = await store.read(params.group, Math.min(begin, now), now);
    return { kept: isKept, items: items.map(toMinute) };
  }),
];
