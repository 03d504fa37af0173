import { replicaIn } from '../../log/dynamodb/keys.ts';
import type { NotedReplica } from '../../log/replica-watch.ts';
import type { Change } from './change.ts';
import type { RawEvent } from './raw-event.ts';

/** The sweep noted that a replica's status changed. */
export function replicaEvent({ sk, before, after }: Change): RawEvent | undefined {
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
