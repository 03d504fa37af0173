import { lengthOf, type Value } from '../../../log/protocol/replica.ts';
import { ViolationError } from './violation.ts';

export function valueKey(value: Value): string {
  switch (value.type) {
    case 'APPEND':
      return `A:${value.requests.map(({ requestId, count }) => `${requestId}*${count}`).join('+')}`;
    case 'TRUNCATE':
      return `T:${value.to}:${value.requestId}`;
    case 'NOP':
      return `N${lengthOf(value)}`;
  }
}

/** One entry of a request, or its truncation. */
export function partKey(requestId: string, index: number): string {
  return `${requestId}:${index}`;
}

/** The chosen values, slot by slot. */
export class ChosenLog {
  readonly slots = new Map<number, Value>();
  /** Positions below are chosen to be unreadable. */
  truncated = 0;
  /** Everything up to here is chosen. */
  upTo = -1;
  readonly #covered = new Map<number, number>();
  readonly #placed = new Map<string, number>();
  readonly #absent = new Set<string>();

  /** The slot that covers a position. */
  slotOf(position: number): { first: number; value: Value } | undefined {
    const first = this.#covered.get(position);
    const value = first === undefined ? undefined : this.slots.get(first);
    return first !== undefined && value ? { first, value } : undefined;
  }

  /** Where an entry of a request, or its truncation, stands. */
  placeOf(requestId: string, index: number): number | undefined {
    return this.#placed.get(partKey(requestId, index));
  }

  /** The request was answered to be lost. */
  isLost(requestId: string, count: number): void {
    for (let index = 0; index < count; index += 1) {
      const key = partKey(requestId, index);
      if (this.#placed.has(key)) throw new ViolationError('I4', `${key} was called lost but is chosen`);
      this.#absent.add(key);
    }
  }

  /** False when it was chosen before. */
  choose(position: number, value: Value): boolean {
    const before = this.slots.get(position);
    const key = valueKey(value);
    if (before) {
      if (valueKey(before) !== key)
        throw new ViolationError('I1', `${position} has ${valueKey(before)} and ${key} chosen`);
      return false;
    }
    this.slots.set(position, value);
    for (let at = position; at < position + lengthOf(value); at += 1) {
      const other = this.#covered.get(at);
      if (other !== undefined && at >= this.truncated)
        throw new ViolationError('I12', `${at} is in the slots ${other} and ${position}`);
      this.#covered.set(at, position);
    }
    if (value.type === 'TRUNCATE') this.truncated = Math.max(this.truncated, value.to);
    this.#placeParts(position, value);
    while (this.#covered.has(this.upTo + 1) || this.upTo + 1 < this.truncated) this.upTo += 1;
    return true;
  }

  #placeParts(position: number, value: Value): void {
    if (value.type === 'NOP') return;
    const requests = value.type === 'APPEND' ? value.requests : [{ requestId: value.requestId, count: 1 }];
    let at = position;
    for (const { requestId, count } of requests) {
      for (let index = 0; index < count; index += 1, at += 1) this.#place(partKey(requestId, index), at);
    }
  }

  #place(key: string, position: number): void {
    const elsewhere = this.#placed.get(key);
    if (elsewhere !== undefined) throw new ViolationError('I4', `${key} is chosen at ${elsewhere} and at ${position}`);
    if (this.#absent.has(key)) throw new ViolationError('I4', `${key} was called lost and is chosen at ${position}`);
    this.#placed.set(key, position);
  }

  /** Nobody may hold anything in the middle of a slot: it would never be looked at, or be taken for a slot. */
  mustBeginSlot(position: number, who: string): void {
    const first = this.#covered.get(position);
    if (first === undefined || first === position || position < this.truncated) return;
    throw new ViolationError('I12', `${who} holds something at ${position}, inside the slot ${first}`);
  }

  /** The readable entries. */
  entries(): number[] {
    const positions = [...this.#covered].filter(
      ([position, first]) => position >= this.truncated && this.slots.get(first)?.type === 'APPEND',
    );
    return positions.map(([position]) => position).sort((one, other) => one - other);
  }
}
