import { createHash } from 'node:crypto';
import { barOf, isPending, type LeadershipRecord, shownLeader } from './lease.ts';

/**
 * Names what an observer is shown, so that "has anything changed?" is one comparison. Computed from the record, which
 * costs no write: a renewal leaves it as it is, while a confirmation, an address, the end of a lease by time alone and
 * what an operator asks for change it. `addressChanges` is that of the addresses which are shown, by default those of
 * the record.
 */
export function revisionOf(
  record: LeadershipRecord | undefined,
  now: number,
  addressChanges: number | undefined = record?.addressChanges,
): string {
  if (!record) return named(0, []);
  const { fencingVersion, holder, handOverTo, restoring, reservedFor, reservedUntil = 0 } = record;
  const leader = shownLeader(record, now);
  const { contenderId, sessionId, address, metadata } = leader ?? {};
  const reserved = reservedUntil >= now ? reservedFor : undefined;
  const bar = barOf(record, now);
  const shown = [contenderId, sessionId, address, metadata, leader && addressChanges, isPending(record, now)];
  const around = [holder?.instanceId, reserved, bar?.instanceId, bar?.until, handOverTo, restoring];
  return named(fencingVersion, [...shown, ...around]);
}

const named = (fencingVersion: number, parts: readonly unknown[]): string =>
  `${fencingVersion}-${createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16)}`;
