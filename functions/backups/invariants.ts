/**
 * Invariants of every change of a backup's record, by the names of docs/design/backups.md, checked before it is sent.
 */
import { type Invariant, requireInvariants } from '../../store/invariants.ts';
import { type BackupRecord, type BackupState, isFinal } from './backup.ts';

/** A change of a record, with the record that it was decided on. */
export type BackupChange =
  | { readonly kind: 'begin'; readonly next: BackupRecord }
  /** A running backup continues, or one that has ended is shared. */
  | { readonly kind: 'replace'; readonly seen: BackupRecord; readonly next: BackupRecord }
  /** Its end, which frees the group. */
  | { readonly kind: 'settle'; readonly seen: BackupRecord; readonly next: BackupRecord }
  | { readonly kind: 'remove'; readonly seen: BackupRecord };

/** States that may follow within an attempt; a new attempt begins with INITIATING. */
const successors: Readonly<Record<BackupState, readonly BackupState[]>> = {
  INITIATING: ['TRANSITIONING', 'RUNNING', 'VERIFYING', 'FAILED'],
  TRANSITIONING: ['RUNNING', 'VERIFYING', 'FAILED'],
  // A worker may report late that it is still catching up.
  RUNNING: ['TRANSITIONING', 'VERIFYING', 'FAILED'],
  VERIFYING: ['COMPLETED', 'FAILED'],
  COMPLETED: [],
  FAILED: [],
};

const isSameBackup = (one: BackupRecord, other: BackupRecord) =>
  one.group === other.group && one.backupId === other.backupId && one.requestId === other.requestId;

const invariants: readonly Invariant<BackupChange>[] = [
  {
    name: 'B4',
    title: 'only an attempt whose files were verified completes a backup, and that attempt is the current one',
    holds: (change) => {
      if (change.kind === 'remove' || change.next.state !== 'COMPLETED') return true;
      if (change.kind === 'begin') return false;
      const { seen, next } = change;
      return seen.state === 'COMPLETED' || (seen.state === 'VERIFYING' && seen.attempt === next.attempt);
    },
  },
  {
    name: 'B5',
    title: 'a backup ends once, together with its hold on the group, and is removed only then',
    holds: (change) => {
      switch (change.kind) {
        case 'begin':
          return !isFinal(change.next);
        case 'replace':
          return isFinal(change.seen) === isFinal(change.next) && (!isFinal(change.seen) || sameEnd(change));
        case 'settle':
          return !isFinal(change.seen) && isFinal(change.next);
        case 'remove':
          return isFinal(change.seen);
        default:
          return change satisfies never;
      }
    },
  },
  {
    name: 'B6',
    title: 'attempts and their heartbeats only rise, and a state never returns within an attempt',
    holds: (change) => {
      if (change.kind === 'remove') return true;
      const { next } = change;
      if (change.kind === 'begin') return next.attempt === 0 || next.attempt === 1;
      const { seen } = change;
      if (!isSameBackup(seen, next)) return false;
      if (next.attempt !== seen.attempt) return next.attempt === seen.attempt + 1 && next.state === 'INITIATING';
      const follows = next.state === seen.state || successors[seen.state].includes(next.state);
      return follows && next.sequence >= seen.sequence;
    },
  },
];

const sameEnd = ({ seen, next }: Extract<BackupChange, { kind: 'replace' }>) =>
  seen.state === next.state && seen.endedAt === next.endedAt && seen.uri === next.uri;

/** @throws InvariantViolationError for a change that must not be sent. */
export function checkChange(change: BackupChange): void {
  const { group, backupId } = change.kind === 'remove' ? change.seen : change.next;
  requireInvariants(invariants, change, `The ${change.kind} of backup ${backupId} of group "${group}"`);
}
