/**
 * The sequencer of a writer that appends from one process alone: positions come from that process's memory, so that an
 * append is one round. The record in the store is behind by a few requests; the next election finds those in the slots.
 * Design: docs/design/log.md, "A writer of one process".
 */
import {
  ballotOf,
  type Hold,
  isToBeSaved,
  type Replaced,
  type Sequencer,
  savedWithin,
  type WriterRecord,
} from './sequencer.ts';

/** For one election and the writer that comes from it: another process, or another election, needs another one. */
export class ExclusiveSequencer implements Sequencer {
  readonly exclusive = 'here';
  readonly #store: Sequencer;
  readonly #savedWithin: number;
  /** The record as the writer's process knows it; undefined before the election, and once another was elected. */
  #own: WriterRecord | undefined;
  /** The record as it was saved last. */
  #saved: WriterRecord | undefined;
  /** It is not known whether the last record was saved. */
  #unsure = false;
  /** Changes come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: Sequencer, within = savedWithin) {
    this.#store = store;
    this.#savedWithin = within;
  }

  /** Asks the store: an old record in memory must not speak for a writer that was replaced. */
  read(): Promise<WriterRecord | undefined> {
    return this.#inTurn(() => this.#ask());
  }

  readHold(): Promise<Hold | undefined> {
    return this.#store.readHold();
  }

  replace(before: WriterRecord | undefined, after: WriterRecord, truncateTo?: number): Promise<Replaced> {
    return this.#inTurn(() => this.#replace(before, after, truncateTo));
  }

  async #replace(before: WriterRecord | undefined, after: WriterRecord, truncateTo?: number): Promise<Replaced> {
    const current = this.#own && (await this.#current());
    if (!current || ballotOf(after) !== ballotOf(current)) return this.#begin(before, after);
    if (before?.revision !== current.revision) return { replaced: false, writer: current };
    const saved = this.#saved ?? current;
    // A truncation must meet the hold of a backup, and both must know of it.
    if (truncateTo !== undefined || isToBeSaved(saved, after, this.#savedWithin))
      return this.#save(saved, after, truncateTo);
    this.#own = after;
    return { replaced: true };
  }

  /** An election: from here on the record is this process's. */
  async #begin(before: WriterRecord | undefined, elected: WriterRecord): Promise<Replaced> {
    const marked: WriterRecord = { ...elected, exclusive: 'elsewhere' };
    const answer = await this.#store.replace(before, marked);
    if (!answer.replaced) return answer;
    this.#saved = marked;
    this.#own = elected;
    return answer;
  }

  async #save(saved: WriterRecord, after: WriterRecord, truncateTo?: number): Promise<Replaced> {
    const marked: WriterRecord = { ...after, revision: saved.revision + 1, exclusive: 'elsewhere' };
    this.#unsure = true;
    const answer = await this.#store.replace(saved, marked, truncateTo);
    if ('held' in answer) {
      this.#unsure = false;
      return answer;
    }
    if (!answer.replaced) return { replaced: false, writer: this.#meet(answer.writer) };
    this.#unsure = false;
    this.#saved = marked;
    this.#own = after;
    return answer;
  }

  /** The record; after a write whose answer was lost, as it is in the store. */
  async #current(): Promise<WriterRecord | undefined> {
    return this.#unsure ? this.#ask() : this.#own;
  }

  async #ask(): Promise<WriterRecord | undefined> {
    const there = await this.#store.read();
    return this.#own ? this.#meet(there) : there;
  }

  /** Takes over what this very writer saved; a record of another one ends it. */
  #meet(there: WriterRecord | undefined): WriterRecord | undefined {
    const own = this.#own;
    if (!own || !there || ballotOf(there) !== ballotOf(own)) {
      this.#own = undefined;
      this.#unsure = false;
      return there;
    }
    this.#saved = there;
    this.#unsure = false;
    const isAhead = there.next > own.next || there.closed;
    this.#own = isAhead ? { ...there, revision: own.revision + 1, exclusive: 'here' } : own;
    return this.#own;
  }

  #inTurn<Answer>(act: () => Promise<Answer>): Promise<Answer> {
    const turn = this.#turn.then(act, act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
