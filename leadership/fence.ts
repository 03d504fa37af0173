import type { Fence } from '../api/fence.ts';
import { type Check, check } from '../store/write.ts';
import { leadershipKey } from './keys.ts';
import { ownsLiveTerm } from './lease-writes.ts';

/**
 * The guard that other rooms put into their own transaction. It holds while the fence is that of the running term and
 * the lease is alive (`now` in epoch ms); else the transaction is cancelled and writes nothing. It must be sent `once`
 * and tried again `timely`: with a `now` of seconds ago a term could write that has ended meanwhile.
 */
export function requireLiveTerm(group: string, fence: Fence, now: number): Check {
  return check(leadershipKey(group), ownsLiveTerm(fence, now));
}
