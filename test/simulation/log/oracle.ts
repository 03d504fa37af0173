import { versionOf } from '../../../api/ballot.ts';
import type { Content } from '../../../log/protocol/placement.ts';
import {
  type Action,
  ballotKey,
  isAccepted,
  isLearned,
  lastOf,
  type Meta,
  type Value,
} from '../../../log/protocol/replica.ts';
import type { WriterRecord } from '../../../log/protocol/sequencer.ts';
import type { MemoryMembers } from '../../support/log/memory-members.ts';
import type { MemoryReplica, ObservedChange } from '../../support/log/memory-replica.ts';
import { ChosenLog, valueKey } from './chosen-log.ts';
import { ViolationError } from './violation.ts';

/** Watches every change of every replica and of the sequencer, and every answer that a coordinator gives. */
export class Oracle {
  readonly chosen = new ChosenLog();
  lastAcknowledged = -1;
  highestElected = 0;
  /** Positions below were acknowledged to be unreadable. */
  truncationAcknowledged = 0;
  /** No replica may begin after it: a backup has its cut and reads from here. */
  heldFrom: number | undefined;
  private readonly winners = new Map<number, string>();
  private readonly accepted = new Map<string, Set<string>>();
  private readonly proposed = new Map<string, Value>();
  /** Halves of an acceptance, by replica and ballot: a replica counts for its coordinator once it took both. */
  private readonly staged = new Set<string>();
  private readonly recorded = new Map<string, number>();
  private readonly unlocked = new Set<string>();

  constructor(
    private readonly replicas: readonly MemoryReplica[],
    private readonly members: MemoryMembers,
  ) {}

  /** Called after every change of a replica: the replica has checked what one change alone must keep. */
  observe({ replica, before, after, slots, configuration, accepted }: ObservedChange): void {
    this.beginsRightly(replica, before, after);
    if (after.lock && !before.lock && this.unlocked.has(`${replica} ${after.lock.lockId}`)) {
      throw new ViolationError('cut', `${replica} is locked by ${after.lock.lockId} after its unlock`);
    }
    for (const { before: old, after: action } of slots) {
      if (action.position >= after.floor) this.chosen.mustBeginSlot(action.position, replica);
      if (action.learned) this.isChosen(replica, action);
      else if (action.value && performs(old, action)) this.performs(replica, before, action, configuration);
    }
    if (accepted) this.records(replica, before, accepted, configuration);
    if (after.learnedTo !== before.learnedTo) this.marksAreTrue(replica, before, after);
    if (after.status !== before.status || after.promised !== before.promised) this.electedAreRemembered();
    if (after.status === 'VOTING' && before.status !== 'VOTING') this.chosenAreKept();
  }

  /** An unlock has come to a replica. */
  unlocks(replica: string, lockId: string): void {
    this.unlocked.add(`${replica} ${lockId}`);
  }

  writerChanged(writer: WriterRecord): void {
    this.upTo(writer.settled, `the record of ${writer.writerId}`);
  }

  /** An election succeeded that began when `before` was the highest elected ballot. */
  elected(number: number, writerId: string, { version, before }: { version: number; before: number }): void {
    const rival = this.winners.get(number);
    if (rival !== undefined && rival !== writerId) {
      throw new ViolationError('I5', `${writerId} and ${rival} are both elected with ${number}`);
    }
    if (versionOf(before) > version) {
      throw new ViolationError('I5', `version ${version} won the log back from version ${versionOf(before)}`);
    }
    this.winners.set(number, writerId);
    this.highestElected = Math.max(this.highestElected, number);
    this.electedAreRemembered();
  }

  /** An append or truncation was acknowledged; `begunAfter` and `electedBefore` were noted when it began. */
  acknowledged(
    { requestId, content }: { requestId: string; content: Content },
    first: number,
    began: { after: number; elected: number },
    number: number,
  ): void {
    const count = content.type === 'APPEND' ? content.entries.length : 1;
    for (let index = 0; index < count; index += 1) {
      const is = this.chosen.placeOf(requestId, index);
      if (is !== first + index) {
        throw new ViolationError('I4', `${requestId}:${index} was acknowledged at ${first + index}, it is at ${is}`);
      }
    }
    if (first <= began.after)
      throw new ViolationError('I4', `${first} was acknowledged, ${began.after} had been before it began`);
    if (number < began.elected)
      throw new ViolationError('I5', `${number} was acknowledged after ${began.elected} was elected`);
    if (content.type === 'TRUNCATE') this.truncationAcknowledged = Math.max(this.truncationAcknowledged, content.to);
    this.lastAcknowledged = Math.max(this.lastAcknowledged, first + count - 1);
  }

  /** A request was answered to be lost. */
  refused({ requestId, content }: { requestId: string; content: Content }): void {
    this.chosen.isLost(requestId, content.type === 'APPEND' ? content.entries.length : 1);
  }

  /** A reader was shown these entries of a range. */
  shown(
    positions: readonly number[],
    { first, to, truncated }: { first?: number; to?: number; truncated: number },
  ): void {
    const from = first ?? positions[0] ?? 0;
    const upTo = to ?? positions.at(-1) ?? -1;
    const seen = new Set(positions);
    for (let position = from; position <= upTo; position += 1) {
      const is = this.chosen.slotOf(position)?.value;
      if (!is) throw new ViolationError('I8', `a reader went past ${position}, where nothing is chosen`);
      if ((is.type === 'APPEND') !== seen.has(position)) {
        throw new ViolationError(
          'I8',
          `a reader of ${from} to ${upTo} saw ${positions}, ${position} holds ${valueKey(is)}`,
        );
      }
    }
    const gone = positions.find((position) => position < truncated);
    if (gone !== undefined)
      throw new ViolationError('I9', `${gone} was shown, everything below ${truncated} is truncated`);
  }

  /** A reader was shown everything to the end, when `acknowledged` had been acknowledged before it began. */
  shownUpTo(acknowledged: number, last: number | undefined): void {
    for (let position = (last ?? acknowledged) + 1; position <= acknowledged; position += 1) {
      if (this.chosen.slotOf(position)?.value.type === 'APPEND')
        throw new ViolationError('I8', `${position} was acknowledged before a read that ended at ${last}`);
    }
  }

  /** At the end exactly what was chosen and not truncated is read. */
  whole(items: readonly number[]): void {
    const expected = this.chosen.entries();
    if (items.join() !== expected.join()) throw new ViolationError('I4', `${expected} are to be read, ${items} are`);
  }

  /** At the end a replica that caught up holds every chosen value. */
  level({ id, inForce, actions }: MemoryReplica, upTo: number): void {
    for (const [position, value] of this.chosen.slots) {
      if (position > upTo || lastOf({ position, value } as Action) < Math.max(inForce.begin, this.chosen.truncated))
        continue;
      const action = actions.get(position);
      if (!action?.value || !isLearned(inForce, action) || valueKey(action.value) !== valueKey(value)) {
        throw new ViolationError('catch-up', `${id} caught up without ${valueKey(value)} at ${position}`);
      }
    }
    if (upTo > this.chosen.upTo) throw new ViolationError('catch-up', `only ${this.chosen.upTo} is chosen`);
  }

  private beginsRightly(replica: string, before: Meta, after: Meta): void {
    if (this.heldFrom !== undefined && after.begin > this.heldFrom) {
      throw new ViolationError('cut', `${replica} begins at ${after.begin}, a backup reads from ${this.heldFrom}`);
    }
    if (after.begin > this.chosen.truncated) {
      throw new ViolationError('I9', `${replica} begins at ${after.begin}, truncated is ${this.chosen.truncated}`);
    }
    if (after.floor !== before.floor && this.chosen.slotOf(after.floor)) {
      const slot = this.chosen.slotOf(after.floor)?.first;
      if (slot !== after.floor)
        throw new ViolationError('I12', `floor ${after.floor} of ${replica} is in slot ${slot}`);
    }
  }

  private performs(replica: string, meta: Meta, action: Action, configuration: number): void {
    const { position, performed = 0, performedBy = '', value } = action;
    if (!value) return;
    const ballot = `${position} ${ballotKey(performed, performedBy)}`;
    const other = this.proposed.get(ballot);
    if (other !== undefined && valueKey(other) !== valueKey(value)) {
      throw new ViolationError('I1', `${ballot} proposes ${valueKey(value)} and ${valueKey(other)}`);
    }
    this.proposed.set(ballot, value);
    if (!action.staged) {
      if (meta.status !== 'VOTING') throw new ViolationError('I10', `${replica} accepted a write while ${meta.status}`);
      this.accept(replica, { position, ballot, value }, configuration);
      return;
    }
    this.staged.add(`${replica} ${ballot}`);
    const recorded = this.recorded.get(`${replica} ${ballot}`);
    if (recorded !== undefined) this.accept(replica, { position, ballot, value }, recorded);
  }

  /** The record took a slot of the ballot. */
  private records(
    replica: string,
    meta: Meta,
    { position, number, by }: { position: number; number: number; by: string },
    configuration: number,
  ): void {
    const ballot = `${position} ${ballotKey(number, by)}`;
    const key = `${replica} ${ballot}`;
    if (meta.status !== 'VOTING') throw new ViolationError('I10', `${replica} accepted a slot while ${meta.status}`);
    this.recorded.set(key, configuration);
    const value = this.proposed.get(ballot);
    if (value && this.staged.has(key)) this.accept(replica, { position, ballot, value }, configuration);
  }

  private accept(
    replica: string,
    { position, ballot, value }: { position: number; ballot: string; value: Value },
    configuration: number,
  ): void {
    const holders = this.accepted.get(ballot) ?? new Set();
    holders.add(replica);
    this.accepted.set(ballot, holders);
    if (this.members.isQuorum(holders, configuration)) this.choose(position, value);
    if (configuration !== this.members.current.version) this.chooseByMembers(position, ballot, value);
  }

  /**
   * The members have changed. A value that a majority of the new ones holds counts as chosen from now on, though the
   * coordinator that wrote it needed a majority of the old ones as well: every later coordinator finds it.
   */
  membersChanged(): void {
    for (const { actions } of this.replicas) {
      for (const { position, performed, performedBy = '', value } of actions.values()) {
        if (value && performed)
          this.chooseByMembers(position, `${position} ${ballotKey(performed, performedBy)}`, value);
      }
    }
    this.chosenAreKept();
    this.electedAreRemembered();
  }

  private chooseByMembers(position: number, ballot: string, value: Value): void {
    const holders = this.replicas.filter(({ inForce, actions }) => {
      const there = actions.get(position);
      if (inForce.status !== 'VOTING' || !there || !isAccepted(inForce, there)) return false;
      return `${position} ${ballotKey(there.performed ?? 0, there.performedBy ?? '')}` === ballot;
    });
    if (position >= this.chosen.truncated && this.members.isQuorum(holders.map(({ id }) => id))) {
      this.choose(position, value);
    }
  }

  private choose(position: number, value: Value): void {
    if (!this.chosen.choose(position, value)) return;
    this.isKept(position, value);
    for (const { id, inForce, actions } of this.replicas) {
      for (let at = position + 1; at <= lastOf({ position, value } as Action); at += 1) {
        if (actions.has(at) && at >= inForce.floor && inForce.incarnation !== '') this.chosen.mustBeginSlot(at, id);
      }
    }
  }

  private isChosen(replica: string, { position, value }: Action): void {
    if (!value || position < this.chosen.truncated) return;
    const is = this.chosen.slots.get(position);
    if (!is || valueKey(is) !== valueKey(value)) {
      throw new ViolationError(
        'I2',
        `${replica} learned ${valueKey(value)} at ${position}, chosen is ${is && valueKey(is)}`,
      );
    }
  }

  private marksAreTrue(replica: string, before: Meta, after: Meta): void {
    for (const [ballot, mark] of Object.entries(after.learnedTo)) {
      const [from, to] = mark;
      if (before.learnedTo[ballot]?.[0] === from && before.learnedTo[ballot]?.[1] === to) continue;
      this.upTo(to, `a mark of ${replica}`);
      for (let position = from; position <= to; position += 1) {
        const proposed = this.proposed.get(`${position} ${ballot}`);
        const key = proposed && valueKey(proposed);
        const is = this.chosen.slots.get(position);
        if (key !== undefined && is && valueKey(is) !== key && position >= this.chosen.truncated) {
          throw new ViolationError(
            'I2',
            `${replica} marks ${key} at ${position} as learned, chosen is ${valueKey(is)}`,
          );
        }
      }
    }
  }

  private upTo(settled: number, who: string): void {
    if (settled > this.chosen.upTo) {
      throw new ViolationError('I2', `${who} takes ${settled} for settled, only ${this.chosen.upTo} is chosen`);
    }
  }

  /** No quorum of voting replicas may have forgotten that a ballot was elected. */
  private electedAreRemembered(): void {
    const forgetful = this.replicas.filter(
      ({ inForce: { status, promised } }) => status === 'VOTING' && promised < this.highestElected,
    );
    if (this.members.isQuorum(forgetful.map(({ id }) => id))) {
      throw new ViolationError(
        'I3',
        `${forgetful.map(({ id }) => id)} do not remember that ${this.highestElected} was elected`,
      );
    }
  }

  /** Every quorum of voting replicas holds every chosen value. */
  private chosenAreKept(): void {
    for (const [position, value] of this.chosen.slots) this.isKept(position, value);
  }

  private isKept(position: number, value: Value): void {
    const last = lastOf({ position, value } as Action);
    if (last < this.chosen.truncated) return;
    const lacking = this.replicas.filter(({ inForce, actions }) => {
      const held = actions.get(position)?.value;
      return inForce.status === 'VOTING' && inForce.begin <= last && !(held && valueKey(held) === valueKey(value));
    });
    if (this.members.isQuorum(lacking.map(({ id }) => id))) {
      throw new ViolationError('I4', `${lacking.map(({ id }) => id)} vote without ${valueKey(value)} at ${position}`);
    }
  }
}

function performs(old: Action | undefined, action: Action): boolean {
  return old?.performed !== action.performed || old?.performedBy !== action.performedBy;
}
