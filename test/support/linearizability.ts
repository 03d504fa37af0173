/**
 * Decides whether a history of concurrent calls could have happened one after the other, each at some moment between
 * its call and its return: the algorithm of Wing and Gong (1993) with Lowe's memory of what has been tried (2017).
 */

export interface Call<Input, Output> {
  readonly input: Input;
  /** Left out when no answer came: the call may have taken effect, at any later moment, or not at all. */
  readonly output?: Output;
  /** By one clock that all calls share. */
  readonly calledAt: number;
  /** Left out together with the output. */
  readonly returnedAt?: number;
}

/** The view of a single caller, one call after the other. */
export interface Specification<State, Input, Output> {
  readonly initial: State;
  /**
   * Every state that the call may lead to; none when this answer cannot come in this state. Without an output, any
   * answer.
   */
  step(state: State, call: Call<Input, Output>): readonly State[];
  /** Equal for equal states. */
  key(state: State): string;
}

export type Verdict<Input, Output> =
  | { readonly linearizable: true }
  | {
      readonly linearizable: false;
      /** The longest order that was found, and the first call that returned and fits nowhere in it. */
      readonly order: readonly Call<Input, Output>[];
      readonly stuckAt: Call<Input, Output>;
    };

/** A call's beginning or its return, in a list in which it can be taken out and put back. */
interface Entry<Input, Output> {
  readonly call: Call<Input, Output>;
  readonly bit: bigint;
  /** Of a beginning: where the call returns, if it does. */
  readonly end?: Entry<Input, Output>;
  readonly isEnd: boolean;
  before?: Entry<Input, Output> | undefined;
  after?: Entry<Input, Output> | undefined;
}

export function checkLinearizable<State, Input, Output>(
  history: readonly Call<Input, Output>[],
  { initial, step, key }: Specification<State, Input, Output>,
): Verdict<Input, Output> {
  const head = chain(history);
  const tried = new Set<string>();
  const path: { readonly entry: Entry<Input, Output>; readonly states: readonly State[]; readonly done: bigint }[] = [];
  let states: readonly State[] = [initial];
  let done = 0n;
  let open = history.filter(({ returnedAt }) => returnedAt !== undefined).length;
  let longest: { order: readonly Call<Input, Output>[]; stuckAt: Call<Input, Output> } | undefined;

  for (let entry = head.after; open > 0; ) {
    if (entry && !entry.isEnd) {
      const { call } = entry;
      const next = distinct(
        states.flatMap((state) => step(state, call)),
        key,
      );
      const seen = `${done | entry.bit} ${next.map(key).join(' ')}`;
      if (next.length > 0 && !tried.has(seen)) {
        tried.add(seen);
        path.push({ entry, states, done });
        states = next;
        done |= entry.bit;
        if (entry.end) open -= 1;
        takeOut(entry);
        entry = head.after;
      } else entry = entry.after;
      continue;
    }
    // A call has returned that has not been put in order: what was put before it was wrong.
    if (entry && (!longest || path.length > longest.order.length))
      longest = { order: path.map((placed) => placed.entry.call), stuckAt: entry.call };
    const last = path.pop();
    if (!last) return { linearizable: false, ...(longest as NonNullable<typeof longest>) };
    ({ states, done } = last);
    if (last.entry.end) open += 1;
    putBack(last.entry);
    entry = last.entry.after;
  }
  return { linearizable: true };
}

/** Beginnings and returns by time; at the same instant beginnings come first, since the calls may overlap. */
function chain<Input, Output>(history: readonly Call<Input, Output>[]): Entry<Input, Output> {
  const timed = history.flatMap((call, at) => {
    const bit = 1n << BigInt(at);
    if (call.returnedAt === undefined) return [{ time: call.calledAt, entry: { call, bit, isEnd: false } }];
    const end: Entry<Input, Output> = { call, bit, isEnd: true };
    return [
      { time: call.calledAt, entry: { call, bit, isEnd: false, end } },
      { time: call.returnedAt, entry: end },
    ];
  });
  timed.sort((one, other) => one.time - other.time || Number(one.entry.isEnd) - Number(other.entry.isEnd));
  const head = { isEnd: false } as Entry<Input, Output>;
  let last = head;
  for (const { entry } of timed as { entry: Entry<Input, Output> }[]) {
    last.after = entry;
    entry.before = last;
    last = entry;
  }
  return head;
}

function takeOut<Input, Output>(entry: Entry<Input, Output>): void {
  for (const part of entry.end ? [entry, entry.end] : [entry]) {
    if (part.before) part.before.after = part.after;
    if (part.after) part.after.before = part.before;
  }
}

/** In the opposite order, so that neighbours find each other again. */
function putBack<Input, Output>(entry: Entry<Input, Output>): void {
  for (const part of entry.end ? [entry.end, entry] : [entry]) {
    if (part.before) part.before.after = part;
    if (part.after) part.after.before = part;
  }
}

function distinct<State>(states: readonly State[], key: (state: State) => string): State[] {
  const byKey = new Map(states.map((state) => [key(state), state]));
  return [...byKey.keys()].sort().map((name) => byKey.get(name) as State);
}
