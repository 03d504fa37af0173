import { versionOf } from '../../../api/ballot.ts';
import { type Action, ballotKey, isLearned, type Meta, type Value } from '../../../functions/log/protocol/replica.ts';
import type { Seat } from '../../../functions/log/protocol/sequencer.ts';
import type { MemoryMembers } from '../../support/log/memory-members.ts';
import type { MemoryReplica, ReplicaChange } from '../../support/log/memory-replica.ts';

/** One of the invariants I1 to I11 does not hold. */
export class ViolationError extends Error {
  override readonly name = 'ViolationError';

  constructor(
    readonly invariant: string,
    message: string,
  ) {
    super(`${invariant}: ${message}`);
  }
}

export function valueKey(value: Value): string {
  if (value.type === 'APPEND') return `A:${value.requestId}:${value.index}`;
  return value.type === 'TRUNCATE' ? `T:${value.to}:${value.requestId}` : 'N';
}

/** Watches every change of every replica and of the seat, and every answer that a coordinator gives. */
export class Oracle {
  readonly chosen = new Map<number, Value>();
  /** Positions below are chosen to be unreadable. */
  truncated = 0;
  lastAcknowledged = -1;
  highestElected = 0;
  /** Positions below were acknowledged to be unreadable. */
  truncationAcknowledged = 0;
  /** No replica may begin after it: a backup has its cut and reads from here. */
  heldFrom: number | undefined;
  private readonly winners = new Map<number, string>();
  private readonly absent = new Set<string>();
  private readonly accepted = new Map<string, Set<string>>();
  private readonly proposed = new Map<string, string>();
  private readonly placed = new Map<string, number>();
  private readonly unlocked = new Set<string>();
  private chosenUpTo = -1;

  constructor(
    private readonly replicas: readonly MemoryReplica[],
    private readonly members: MemoryMembers,
  ) {}

  /** Called after every change of a replica. */
  observe({ replica, before, after, stored, configuration }: ReplicaChange): void {
    this.promisesStand(replica, before, after);
    this.movesRightly(replica, before, after);
    if (after.lock && !before.lock && this.unlocked.has(`${replica} ${after.lock.lockId}`)) {
      throw new ViolationError('cut', `${replica} is locked by ${after.lock.lockId} after its unlock`);
    }
    for (const { before: old, after: action } of stored) {
      this.actionStands(replica, before, old, action);
      if (action.learned) this.isChosen(replica, action);
      else if (action.value && performs(old, action)) this.accept(replica, before, action, configuration);
    }
    if (after.learnedTo !== before.learnedTo) this.marksAreTrue(replica, before, after);
    if (after.status !== before.status || after.promised !== before.promised) this.electedAreRemembered();
    if (after.status === 'VOTING' && before.status !== 'VOTING') this.chosenAreKept();
  }

  /** An unlock has come to a replica. */
  unlocks(replica: string, lockId: string): void {
    this.unlocked.add(`${replica} ${lockId}`);
  }

  seatChanged(seat: Seat): void {
    this.upTo(seat.settled, `the seat of ${seat.writerId}`);
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
    values: readonly Value[],
    first: number,
    began: { after: number; elected: number },
    number: number,
  ): void {
    values.forEach((value, at) => {
      const is = this.chosen.get(first + at);
      if (!is || valueKey(is) !== valueKey(value)) {
        throw new ViolationError(
          'I4',
          `${valueKey(value)} was acknowledged at ${first + at}, which holds ${is && valueKey(is)}`,
        );
      }
    });
    if (first <= began.after)
      throw new ViolationError('I4', `${first} was acknowledged, ${began.after} had been before it began`);
    if (number < began.elected)
      throw new ViolationError('I5', `${number} was acknowledged after ${began.elected} was elected`);
    for (const value of values) {
      if (value.type === 'TRUNCATE') this.truncationAcknowledged = Math.max(this.truncationAcknowledged, value.to);
    }
    this.lastAcknowledged = Math.max(this.lastAcknowledged, first + values.length - 1);
  }

  /** A request was answered to be lost but for the entries that were kept. */
  refused(values: readonly Value[], kept: readonly { index: number; position: number }[]): void {
    values.forEach((value, index) => {
      const position = kept.find((one) => one.index === index)?.position;
      const key = valueKey(value);
      if (position === undefined && this.placed.has(key))
        throw new ViolationError('I4', `${key} was called lost but is chosen`);
      if (position === undefined) this.absent.add(key);
      else if (this.placed.get(key) !== position)
        throw new ViolationError('I4', `${key} was called kept at ${position}`);
    });
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
      const is = this.chosen.get(position);
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

  /** At the end exactly what was chosen and not truncated is read. */
  whole(items: readonly number[]): void {
    const wanted = [...this.chosen].filter(([position, { type }]) => position >= this.truncated && type === 'APPEND');
    const expected = wanted.map(([position]) => position).sort((one, other) => one - other);
    if (items.join() !== expected.join()) throw new ViolationError('I4', `${expected} are to be read, ${items} are`);
  }

  /** At the end a replica that caught up holds every chosen value. */
  level({ id, inForce, actions }: MemoryReplica, upTo: number): void {
    for (let position = Math.max(inForce.begin, this.truncated); position <= upTo; position += 1) {
      const action = actions.get(position);
      const is = this.chosen.get(position);
      if (!action?.value || !is || !isLearned(inForce, action) || valueKey(action.value) !== valueKey(is)) {
        throw new ViolationError('catch-up', `${id} caught up without ${is && valueKey(is)} at ${position}`);
      }
    }
  }

  private promisesStand(replica: string, before: Meta, after: Meta): void {
    const sameLife = before.incarnation !== '' && before.incarnation === after.incarnation;
    if (sameLife && after.promised < before.promised) {
      throw new ViolationError('I3', `the promise of ${replica} fell from ${before.promised} to ${after.promised}`);
    }
    if (sameLife && after.begin < before.begin)
      throw new ViolationError('I6', `begin of ${replica} fell to ${after.begin}`);
    if (after.begin > after.end)
      throw new ViolationError('I6', `begin ${after.begin} of ${replica} is past end ${after.end}`);
    if (this.heldFrom !== undefined && after.begin > this.heldFrom) {
      throw new ViolationError('cut', `${replica} begins at ${after.begin}, a backup reads from ${this.heldFrom}`);
    }
    if (after.begin > this.truncated) {
      throw new ViolationError('I9', `${replica} begins at ${after.begin}, truncated is ${this.truncated}`);
    }
  }

  private movesRightly(replica: string, before: Meta, after: Meta): void {
    if (after.status !== 'VOTING' || before.status === 'VOTING') return;
    if (before.status !== 'STARTING' && before.status !== 'RECOVERING') {
      throw new ViolationError('I7', `${replica} went from ${before.status} to VOTING`);
    }
  }

  private actionStands(replica: string, meta: Meta, old: Action | undefined, action: Action): void {
    if (old && !isLearned(meta, old) && !action.learned && action.promised < old.promised) {
      throw new ViolationError('I3', `the promise of ${replica} at ${old.position} fell to ${action.promised}`);
    }
    if (old && !isLearned(meta, old) && !action.learned && (action.performed ?? 0) < (old.performed ?? 0)) {
      throw new ViolationError(
        'I3',
        `${replica} accepted ${action.performed} at ${old.position} after ${old.performed}`,
      );
    }
  }

  private accept(replica: string, meta: Meta, action: Action, configuration: number): void {
    if (meta.status !== 'VOTING') throw new ViolationError('I10', `${replica} accepted a write while ${meta.status}`);
    const { position, performed = 0, performedBy = '', value } = action;
    if (!value) return;
    const ballot = `${position} ${ballotKey(performed, performedBy)}`;
    const key = valueKey(value);
    const other = this.proposed.get(ballot);
    if (other !== undefined && other !== key) {
      throw new ViolationError('I1', `${ballot} proposes ${key} and ${other}`);
    }
    this.proposed.set(ballot, key);
    const holders = this.accepted.get(ballot) ?? new Set();
    holders.add(replica);
    this.accepted.set(ballot, holders);
    if (this.members.isQuorum(holders, configuration)) this.choose(position, value);
    if (configuration !== this.members.current.version) this.chooseByMembers(position, action);
  }

  /**
   * The members have changed. What a majority of the new ones holds counts as chosen from now on, though the
   * coordinator that wrote it needed a majority of the old ones as well: every later coordinator finds it.
   */
  membersChanged(): void {
    const held = this.replicas.flatMap(({ actions }) => [...actions.values()]);
    for (const action of held) if (action.value && action.performed) this.chooseByMembers(action.position, action);
    this.chosenAreKept();
    this.electedAreRemembered();
  }

  private chooseByMembers(position: number, { performed, performedBy, value }: Action): void {
    const holders = this.replicas.filter(({ inForce, actions }) => {
      const there = actions.get(position);
      return inForce.status === 'VOTING' && there?.performed === performed && there?.performedBy === performedBy;
    });
    if (value && position >= this.truncated && this.members.isQuorum(holders.map(({ id }) => id))) {
      this.choose(position, value);
    }
  }

  private choose(position: number, value: Value): void {
    const before = this.chosen.get(position);
    const key = valueKey(value);
    if (before) {
      if (valueKey(before) !== key)
        throw new ViolationError('I1', `${position} has ${valueKey(before)} and ${key} chosen`);
      return;
    }
    this.chosen.set(position, value);
    if (value.type === 'TRUNCATE') this.truncated = Math.max(this.truncated, value.to);
    if (value.type === 'APPEND') {
      const elsewhere = this.placed.get(key);
      if (elsewhere !== undefined)
        throw new ViolationError('I4', `${key} is chosen at ${elsewhere} and at ${position}`);
      if (this.absent.has(key)) throw new ViolationError('I4', `${key} was called lost and is chosen at ${position}`);
      this.placed.set(key, position);
    }
    this.isKept(position, value);
    while (this.chosen.has(this.chosenUpTo + 1) || this.chosenUpTo + 1 < this.truncated) this.chosenUpTo += 1;
  }

  private isChosen(replica: string, { position, value }: Action): void {
    if (!value || position < this.truncated) return;
    const is = this.chosen.get(position);
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
        const key = this.proposed.get(`${position} ${ballot}`);
        const is = this.chosen.get(position);
        if (key !== undefined && is && valueKey(is) !== key && position >= this.truncated) {
          throw new ViolationError(
            'I2',
            `${replica} marks ${key} at ${position} as learned, chosen is ${valueKey(is)}`,
          );
        }
      }
    }
  }

  private upTo(settled: number, who: string): void {
    if (settled > this.chosenUpTo) {
      throw new ViolationError('I2', `${who} takes ${settled} for settled, only ${this.chosenUpTo} is chosen`);
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
    for (const [position, value] of this.chosen) this.isKept(position, value);
  }

  private isKept(position: number, value: Value): void {
    if (position >= this.truncated) {
      const lacking = this.replicas.filter(({ inForce, actions }) => {
        const held = actions.get(position)?.value;
        return (
          inForce.status === 'VOTING' && inForce.begin <= position && !(held && valueKey(held) === valueKey(value))
        );
      });
      if (this.members.isQuorum(lacking.map(({ id }) => id))) {
        throw new ViolationError('I4', `${lacking.map(({ id }) => id)} vote without ${valueKey(value)} at ${position}`);
      }
    }
  }
}

function performs(old: Action | undefined, action: Action): boolean {
  return old?.performed !== action.performed || old?.performedBy !== action.performedBy;
}
