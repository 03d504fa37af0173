/**
 * Invariants of every change of a restore's record and of what it owns, by the names of docs/design/backups.md, checked
 * before it is sent.
 */
import { maxVersion } from '../../api/ballot.ts';
import { type Invariant, requireInvariants } from '../../store/invariants.ts';
import type { RestoreRecord, RestoreState } from './restore-store.ts';

export type RestoreChange =
  | { readonly kind: 'begin'; readonly next: RestoreRecord }
  /** A step of it, its failure, or the beginning of its undoing: what it owns stays its own. */
  | { readonly kind: 'replace'; readonly seen: RestoreRecord; readonly next: RestoreRecord }
  /** Its last state, with which the group is free. */
  | { readonly kind: 'end'; readonly seen: RestoreRecord; readonly next: RestoreRecord }
  /** It takes the group's leadership record. */
  | {
      readonly kind: 'own';
      readonly group: string;
      readonly restoreId: string;
      readonly version: number;
      readonly over: RestoreRecord | undefined;
    };

const successors: Readonly<Record<RestoreState, readonly RestoreState[]>> = {
  VERIFYING: ['RESTORING', 'FAILED', 'ABANDONING'],
  RESTORING: ['COMPLETED', 'FAILED', 'ABANDONING'],
  FAILED: ['ABANDONING'],
  ABANDONING: ['ABANDONED', 'FAILED'],
  COMPLETED: [],
  ABANDONED: [],
};

/** Parts that it has taken, or put. */
const hasWritten = ({ version, restoredEntries, file, openLog, logs }: RestoreRecord) =>
  version !== undefined || restoredEntries > 0 || file > 0 || openLog !== undefined || logs.length > 0;

const isSameRestore = (one: RestoreRecord, other: RestoreRecord) =>
  one.group === other.group &&
  one.restoreId === other.restoreId &&
  one.manifestSha256 === other.manifestSha256 &&
  one.source.bucket === other.source.bucket &&
  one.source.prefix === other.source.prefix;

const invariants: readonly Invariant<RestoreChange>[] = [
  {
    name: 'B7',
    title: 'a restore writes nothing before the whole archive is verified, and restores the archive that was verified',
    holds: (change) => {
      if (change.kind === 'own') return true;
      if (change.kind === 'begin') return !hasWritten(change.next);
      const { seen, next } = change;
      if (!isSameRestore(seen, next)) return false;
      return next.state !== 'VERIFYING' || !hasWritten(next);
    },
  },
  {
    name: 'B8',
    title: 'a restore takes a group over under a version above every other, and only from one that did not complete',
    holds: (change) => {
      if (change.kind !== 'own') return true;
      const { over, version } = change;
      const isPossible = Number.isInteger(version) && version > 0 && version <= maxVersion;
      return isPossible && (!over || (over.state !== 'COMPLETED' && version > (over.version ?? 0)));
    },
  },
  {
    name: 'B10',
    title: 'a restore ends once, lets go of the group with that, and its progress only rises',
    holds: (change) => {
      switch (change.kind) {
        case 'begin':
          return change.next.state === 'VERIFYING' || change.next.state === 'RESTORING';
        case 'own':
          return true;
        case 'replace':
          return change.next.state !== 'COMPLETED' && change.next.state !== 'ABANDONED' && continues(change);
        case 'end':
          return (change.next.state === 'COMPLETED' || change.next.state === 'ABANDONED') && continues(change);
        default:
          return change satisfies never;
      }
    },
  },
];

function continues({ seen, next }: { readonly seen: RestoreRecord; readonly next: RestoreRecord }): boolean {
  const follows = next.state === seen.state || successors[seen.state].includes(next.state);
  return follows && next.restoredEntries >= seen.restoredEntries && next.execution >= seen.execution;
}

/** @throws InvariantViolationError for a change that must not be sent. */
export function checkChange(change: RestoreChange): void {
  const { group, restoreId } = change.kind === 'own' ? change : change.next;
  requireInvariants(invariants, change, `The ${change.kind} of restore ${restoreId} of group "${group}"`);
}
