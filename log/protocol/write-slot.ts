import type { LogParts } from './log.ts';
import { ThrottledError } from './quorum.ts';
import { lengthOf, type Replica, type WriteAnswer, type WriteRequest } from './replica.ts';

/** How far a slot's way to the replicas has come, next to their answers. */
export class Sending {
  /** Places of the replicas that put it off to the end. */
  readonly putOff = new Set<number>();
  readonly #parts: Pick<LogParts, 'replicas' | 'timer' | 'sequencer'>;
  readonly #reached = new Set<number>();
  readonly #open: Promise<unknown>[] = [];

  constructor(parts: Pick<LogParts, 'replicas' | 'timer' | 'sequencer'>) {
    this.#parts = parts;
  }

  /** Whether a replica may hold something of the slot; waits a moment for those that may still say that they do not. */
  async hasReached(waitMs: number): Promise<boolean> {
    await Promise.race([Promise.all(this.#open), this.#parts.timer.limit(waitMs)]);
    return this.#reached.size > 0;
  }

  write(replica: Replica, request: WriteRequest): Promise<WriteAnswer> {
    const writing = this.#write(replica, request);
    this.#open.push(writing.catch(() => undefined));
    return writing;
  }

  async #write(replica: Replica, request: WriteRequest): Promise<WriteAnswer> {
    const place = this.#parts.replicas.indexOf(replica);
    this.#reached.add(place);
    let staged = false;
    try {
      // Nobody was asked for the position, so that a writer that was replaced must leave no value behind either: a
      // later fill could choose it.
      if (this.#parts.sequencer.exclusive) return await replica.write({ ...request, fresh: true });
      return await writeSlot(replica, request, () => {
        staged = true;
      });
    } catch (error) {
      if (error instanceof ThrottledError) {
        this.putOff.add(place);
        if (!staged) this.#reached.delete(place);
      }
      throw error;
    }
  }
}

/**
 * Writes a slot to one replica in two requests, each on a condition of its own: the value into its slot, then its
 * acceptance into the replica's record. The second one comes after the first was answered: a slot that was truncated
 * and discarded in between leaves no trace that the first could be refused by, but the record knows. Design:
 * docs/design/log.md, "Staged writes".
 */
async function writeSlot(replica: Replica, request: WriteRequest, onStaged: () => void): Promise<WriteAnswer> {
  const { number, by, view, position, value, learnedTo } = request;
  const { staged } = await replica.stage({ number, by, position, value });
  onStaged();
  // Something else stands in the slot: the atomic request says what.
  if (!staged) return replica.write(request);
  const last = position + lengthOf(value) - 1;
  return replica.accept({ number, by, view, position, last, ...(learnedTo && { learnedTo }) });
}
