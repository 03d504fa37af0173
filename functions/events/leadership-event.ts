import type { LeadershipRecord } from '../../leadership/lease.ts';
import { toRecord } from '../../leadership/lease-items.ts';
import type { Change } from './change.ts';
import type { RawEvent } from './raw-event.ts';

/**
 * A term is announced when its confirmation appears in the record, and ends when the confirmation disappears: by a
 * resignation, a revocation, the sweep, or the grant to the next holder. A renewal does neither, even one that repairs
 * a damaged record.
 */
export function leadershipEvent({ before, after, writtenAt }: Change): RawEvent | undefined {
  const [was, is] = [toRecord(before), toRecord(after)];
  return confirmed(was, is) ?? ended(was, is, writtenAt);
}

function confirmed(was: LeadershipRecord | undefined, is: LeadershipRecord | undefined): RawEvent | undefined {
  const holder = is?.holder;
  if (!holder || holder.confirmedAt === undefined) return undefined;
  if (was?.holder?.sessionId !== holder.sessionId || was.holder.confirmedAt !== undefined) return undefined;
  const { contenderId, address, confirmedAt } = holder;
  return { type: 'Leadership Confirmed', fencingVersion: is.fencingVersion, contenderId, address, at: confirmedAt };
}

function ended(
  was: LeadershipRecord | undefined,
  is: LeadershipRecord | undefined,
  writtenAt: number,
): RawEvent | undefined {
  if (was?.holder?.confirmedAt === undefined || is?.holder?.confirmedAt !== undefined) return undefined;
  const ending = endingOf(was, is, writtenAt);
  if (!ending) return undefined;
  const { fencingVersion, holder } = was;
  return { type: 'Leadership Ended', fencingVersion, contenderId: holder.contenderId, ...ending };
}

function endingOf(was: LeadershipRecord, is: LeadershipRecord | undefined, writtenAt: number) {
  // As the holder sees it: its next renewal finds no record.
  if (!is) return { reason: 'revoked', at: writtenAt };
  if (is.fencingVersion > was.fencingVersion) {
    return { reason: is.previous?.reason ?? 'expired', at: is.previous?.at ?? was.expiresAt ?? writtenAt };
  }
  if (is.holder || !is.ended) return undefined;
  return { reason: is.ended.reason, at: is.ended.at ?? was.expiresAt ?? writtenAt };
}
