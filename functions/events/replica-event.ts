import { replicaIn } from '../log/dynamodb/keys.ts';
import type { NotedReplica } from '../log/http/replica-watch.ts';
import type { Change } from './change.ts';
import type { Happening } from './raw-event.ts';

/** The sweep has noted another status of a replica than before. */
export function replicaHappening({ sk, before, after }: Change): Happening | undefined {
  if (!after || after['status'] === before?.['status']) return undefined;
  const { status, previous, since } = after as Partial<NotedReplica>;
  return {
    type: 'Replica Status Changed',
    ...replicaIn(sk),
    status,
    at: since,
    ...(previous === undefined ? {} : { previousStatus: previous }),
  };
}
