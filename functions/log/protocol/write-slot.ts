import { lengthOf, type Replica, type WriteAnswer, type WriteRequest } from './replica.ts';

/**
 * Writes a slot to one replica in two requests, each on a condition of its own: the value into its slot, then its
 * acceptance into the replica's record. The second one comes after the first was answered: a slot that was truncated
 * and discarded in between leaves no trace that the first could be refused by, but the record knows. Design:
 * docs/design/log.md, "Staged writes".
 */
export async function writeSlot(replica: Replica, request: WriteRequest): Promise<WriteAnswer> {
  const { number, by, view, position, value, learnedTo } = request;
  const { staged } = await replica.stage({ number, by, position, value });
  // Something else stands in the slot: the atomic request says what.
  if (!staged) return replica.write(request);
  const last = position + lengthOf(value) - 1;
  return replica.accept({ number, by, view, position, last, ...(learnedTo && { learnedTo }) });
}
