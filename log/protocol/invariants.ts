/**
 * Invariants of every change of a replica and of the sequencer, by the names of docs/design/log.md, checked before the
 * change is sent. The simulation checks its replicas and its sequencer by the same list.
 */
import { type Invariant, requireInvariants } from '../../store/invariants.ts';
import {
  type AcceptRequest,
  type Action,
  isLearned,
  lastOf,
  lengthOf,
  type Meta,
  sameValue,
  settledOf,
  slotEntries,
} from './replica.ts';
import { ballotOf, type WriterRecord } from './sequencer.ts';

export interface SlotChange {
  readonly before: Action | undefined;
  readonly after: Action;
}

export interface ReplicaChange {
  readonly before: Meta;
  readonly after: Meta;
  readonly slots: readonly SlotChange[];
}

const isSameLife = ({ before, after }: ReplicaChange) =>
  before.incarnation !== '' && before.incarnation === after.incarnation;

const isSameBallot = (one: Action, other: Action) =>
  one.performed !== undefined && one.performed === other.performed && one.performedBy === other.performedBy;

const isRaised = (before: Action, after: Action) =>
  after.promised >= before.promised && (after.performed ?? 0) >= (before.performed ?? 0);

const replicaInvariants: readonly Invariant<ReplicaChange>[] = [
  {
    name: 'I1',
    title: 'a ballot proposes one value for a slot, and a learned slot keeps its value',
    holds: (change) =>
      change.slots.every(({ before, after }) => {
        if (!before?.value || !(isSameBallot(before, after) || isLearned(change.before, before))) return true;
        return after.value !== undefined && sameValue(before.value, after.value);
      }),
  },
  {
    name: 'I2',
    title: 'no mark reaches beyond the end',
    holds: ({ after }) => settledOf(after) <= after.end,
  },
  {
    name: 'I3',
    title: 'promises never fall within a life, and a value raises the promise of its slot',
    holds: (change) => {
      const { before, after, slots } = change;
      const isKept =
        after.promised > before.promised ||
        (after.promised === before.promised && after.promisedBy === before.promisedBy);
      if (isSameLife(change) && !isKept) return false;
      return slots.every(({ before: old, after: slot }) => {
        if (slot.learned) return true;
        return (slot.performed ?? 0) <= slot.promised && (!old || isLearned(before, old) || isRaised(old, slot));
      });
    },
  },
  {
    name: 'I6',
    title: 'begin, floor and end never fall within a life, and floor ≤ begin ≤ end',
    holds: (change) => {
      const { before, after } = change;
      if (after.floor > after.begin || after.begin > after.end) return false;
      if (!isSameLife(change)) return true;
      return after.begin >= before.begin && after.floor >= before.floor && after.end >= before.end;
    },
  },
  {
    name: 'I7',
    title: 'only a starting or recovering replica comes to vote, and one that a restore holds stays held until then',
    holds: (change) => {
      const { before, after } = change;
      const isVoting = after.status === 'VOTING';
      if (isVoting && !['VOTING', 'STARTING', 'RECOVERING'].includes(before.status)) return false;
      const isHeld = isSameLife(change) && before.restoreId !== undefined;
      return !isHeld || isVoting || after.restoreId === before.restoreId;
    },
  },
  {
    name: 'I10',
    title: 'a replica that does not vote accepts nothing and is not locked',
    holds: ({ before, after, slots }) => {
      if (before.status === 'VOTING') return true;
      const hasAccepted = after.accepted !== undefined && after.accepted.to !== before.accepted?.to;
      return slots.every(({ after: slot }) => slot.learned) && !hasAccepted && (!after.lock || !!before.lock);
    },
  },
  {
    name: 'I11',
    title: 'the turn of the lock and the configuration never fall within a life',
    holds: (change) => {
      const { before, after } = change;
      if (!isSameLife(change)) return true;
      return after.lockTurn >= before.lockTurn && after.configuration >= before.configuration;
    },
  },
  {
    name: 'I12',
    title: 'the slots that are stored lie behind the floor and do not overlap',
    holds: ({ after, slots }) => {
      const sorted = slots.map((slot) => slot.after).sort((one, other) => one.position - other.position);
      return sorted.every((slot, at) => {
        const previous = sorted[at - 1];
        return slot.position > (previous ? lastOf(previous) : after.floor - 1) && lengthOf(slot.value) > 0;
      });
    },
  },
];

/** Of a value that a condition alone puts into its slot: neither the record nor the slot is read before. */
const stagedInvariants: readonly Invariant<Action>[] = [
  {
    name: 'I3',
    title: 'a value raises the promise of its slot',
    holds: ({ promised, promisedBy, performed, performedBy }) => promised === performed && promisedBy === performedBy,
  },
  {
    name: 'I12',
    title: `a slot covers 1 to ${slotEntries} positions`,
    holds: ({ position, value }) => position >= 0 && lengthOf(value) >= 1 && lengthOf(value) <= slotEntries,
  },
];

/** The same of its acceptance. */
const acceptanceInvariants: readonly Invariant<AcceptRequest>[] = [
  {
    name: 'I2',
    title: 'a mark names only positions before the slot',
    holds: ({ position, learnedTo: [from, to] = [0, 0] }) => from <= to && (to === 0 || to < position),
  },
  {
    name: 'I12',
    title: `a slot covers 1 to ${slotEntries} positions`,
    holds: ({ position, last }) => position >= 0 && last >= position && last - position < slotEntries,
  },
];

export interface SequencerChange {
  readonly before: WriterRecord | undefined;
  readonly after: WriterRecord;
}

const sequencerInvariants: readonly Invariant<SequencerChange>[] = [
  {
    name: 'I2',
    title: 'only what was handed out is settled, and what is settled stays so',
    holds: ({ before, after: { first, next, settled, regularFrom } }) =>
      settled < next && settled >= first - 1 && regularFrom <= settled + 1 && settled >= (before?.settled ?? settled),
  },
  {
    name: 'I4',
    title: 'positions only rise',
    holds: ({ before, after }) => {
      const handed = after.recent.reduce((sum, { count }) => sum + count, 0);
      if (after.first > after.next || after.truncation > after.next || handed > after.next) return false;
      if (!before) return true;
      return after.next >= before.next && (ballotOf(after) !== ballotOf(before) || after.first === before.first);
    },
  },
  {
    name: 'I5',
    title: 'only a higher ballot takes over from a writer, and a writer that was closed stays closed',
    holds: ({ before, after }) => {
      if (!before || after.number > before.number) return true;
      return ballotOf(after) === ballotOf(before) && (after.closed || !before.closed);
    },
  },
  {
    name: 'I11',
    title: 'a change is made once, on the revision that it was decided on',
    holds: ({ before, after }) => after.revision === (before?.revision ?? 0) + 1,
  },
  {
    name: 'I12',
    title: 'a writer is handed whole slots, one behind the other',
    holds: ({ before, after }) => {
      if (!before || ballotOf(after) !== ballotOf(before)) return true;
      let open = after.next - before.next;
      let at = after.recent.length;
      while (open > 0 && at > 0) {
        at -= 1;
        open -= after.recent[at]?.count ?? 0;
      }
      return open === 0 && (at === after.recent.length || !after.recent[at]?.joins);
    },
  },
];

/** @throws InvariantViolationError for a change that must not be sent. */
export function requireReplicaChange(replica: string, change: ReplicaChange): void {
  requireInvariants(replicaInvariants, change, `The change of replica "${replica}"`);
}

/** @throws InvariantViolationError for a value that must not be sent. */
export function requireStaged(replica: string, slot: Action): void {
  requireInvariants(stagedInvariants, slot, `The value for slot ${slot.position} of replica "${replica}"`);
}

/** @throws InvariantViolationError for an acceptance that must not be sent. */
export function requireAcceptance(replica: string, request: AcceptRequest): void {
  requireInvariants(
    acceptanceInvariants,
    request,
    `The acceptance of slot ${request.position} by replica "${replica}"`,
  );
}

/** @throws InvariantViolationError for a change that must not be sent. */
export function requireSequencerChange(change: SequencerChange): void {
  requireInvariants(sequencerInvariants, change, `The change of the sequencer for writer ${change.after.writerId}`);
}
