import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Call, checkLinearizable, type Specification } from '../../support/linearizability.ts';

type Input = { write: number } | 'read' | { from: number; to: number };
type Output = number | boolean;

/** A register of numbers with read, write, and compare-and-set. */
const register: Specification<number, Input, Output> = {
  initial: 0,
  step(state, { input, output }) {
    if (input === 'read') return output === undefined || output === state ? [state] : [];
    if ('write' in input) return output === undefined ? [input.write, state] : [input.write];
    const fits = input.from === state;
    if (output === undefined) return fits ? [input.to, state] : [state];
    return output === fits ? [fits ? input.to : state] : [];
  },
  key: String,
};

const call = (calledAt: number, returnedAt: number, input: Input, output: Output = true): Call<Input, Output> => ({
  calledAt,
  returnedAt,
  input,
  output,
});
const lost = (calledAt: number, input: Input): Call<Input, Output> => ({ calledAt, input });
const write = (value: number) => ({ write: value });

describe('histories that one thing after the other explains', () => {
  test.each<[string, Call<Input, Output>[]]>([
    ['nothing', []],
    ['calls one after the other', [call(1, 2, write(5)), call(3, 4, 'read', 5)]],
    ['a read during a write sees it', [call(1, 9, write(5)), call(2, 3, 'read', 5), call(4, 5, 'read', 5)]],
    ['a read during a write does not see it yet', [call(1, 9, write(5)), call(2, 3, 'read', 0), call(4, 5, 'read', 5)]],
    ['two writes at once in either order', [call(1, 9, write(5)), call(1, 9, write(6)), call(10, 11, 'read', 5)]],
    ['one of two that compare and set', [call(1, 9, { from: 0, to: 1 }), call(2, 8, { from: 0, to: 2 }, false)]],
    ['a write without an answer took effect', [lost(1, write(5)), call(2, 3, 'read', 5)]],
    ['a write without an answer took effect late', [lost(1, write(5)), call(2, 3, 'read', 0), call(4, 5, 'read', 5)]],
    ['a write without an answer took no effect', [lost(1, write(5)), call(2, 3, 'read', 0)]],
    ['calls that touch at an instant', [call(1, 2, write(5)), call(2, 3, 'read', 0)]],
  ])('%s', (_, history) => {
    expect(checkLinearizable(history, register)).toEqual({ linearizable: true });
  });
});

describe('histories that are known to be bad', () => {
  test.each<[string, Call<Input, Output>[]]>([
    ['a read of what nobody wrote', [call(1, 2, 'read', 7)]],
    ['a stale read', [call(1, 2, write(5)), call(3, 4, 'read', 0)]],
    ['a read that goes back', [call(1, 9, write(5)), call(2, 3, 'read', 5), call(4, 5, 'read', 0)]],
    ['a lost update', [call(1, 4, { from: 0, to: 1 }), call(2, 5, { from: 0, to: 2 })]],
    ['a read from the future', [call(1, 2, 'read', 5), call(3, 4, write(5))]],
    [
      'two readers that disagree about the order',
      [
        call(1, 2, write(5)),
        call(3, 20, write(6)),
        call(3, 20, write(7)),
        call(4, 5, 'read', 6),
        call(6, 7, 'read', 7),
        call(8, 9, 'read', 6),
      ],
    ],
    ['a write without an answer that is undone', [lost(1, write(5)), call(2, 3, 'read', 5), call(4, 5, 'read', 0)]],
    ['a write without an answer seen before it was sent', [call(1, 2, 'read', 5), lost(3, write(5))]],
  ])('%s', (_, history) => {
    expect(checkLinearizable(history, register)).toMatchObject({ linearizable: false });
  });

  test('are told with the order that was found and the call that does not fit', () => {
    const good = [call(1, 2, write(5)), call(3, 4, 'read', 5)];
    const bad = call(5, 6, 'read', 0);
    expect(checkLinearizable([...good, bad], register)).toEqual({ linearizable: false, order: good, stuckAt: bad });
  });
});

test('agrees with trying every order of short histories', () => {
  const input = fc.oneof(
    fc.constant('read' as const),
    fc.record({ write: fc.nat(2) }),
    fc.record({ from: fc.nat(2), to: fc.nat(2) }),
  );
  const anyCall = fc
    .tuple(input, fc.nat(9), fc.nat(9), fc.nat(2), fc.boolean(), fc.boolean())
    .map(([input, calledAt, lasts, value, success, answered]) => {
      const output = input === 'read' ? value : 'write' in input ? true : success;
      return answered ? call(calledAt, calledAt + lasts, input, output) : lost(calledAt, input);
    });
  let bad = 0;
  fc.assert(
    fc.property(fc.array(anyCall, { maxLength: 6 }), (history) => {
      const expected = someOrderFits(history, [register.initial]);
      expect(checkLinearizable(history, register).linearizable).toBe(expected);
      bad += expected ? 0 : 1;
    }),
    { numRuns: 3_000 },
  );
  expect(bad).toBeGreaterThan(300);
});

/** By the definition: some next call began before every open one returned, and the rest fits after it. */
function someOrderFits(left: readonly Call<Input, Output>[], states: readonly number[]): boolean {
  if (states.length === 0) return false;
  const answered = left.filter(({ returnedAt }) => returnedAt !== undefined);
  if (answered.length === 0) return true;
  const firstReturn = Math.min(...answered.map(({ returnedAt }) => returnedAt as number));
  return left.some(
    (next) =>
      next.calledAt <= firstReturn &&
      someOrderFits(
        left.filter((other) => other !== next),
        states.flatMap((state) => register.step(state, next)),
      ),
  );
}
