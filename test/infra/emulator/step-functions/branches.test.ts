import { expect, test } from 'vitest';
import { callbackTask, errorNamed, invoke, runOnce, testServer, typesOf, until } from './support.ts';

const graph = (states: Record<string, object>) => ({ StartAt: Object.keys(states)[0], States: states });
const work = (more: object = {}) => ({
  Type: 'Task',
  Resource: invoke,
  Arguments: { FunctionName: 'work', Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  End: true,
  ...more,
});

test('Parallel gives every branch the same Arguments and collects the results in the order of the branches', async () => {
  const server = await testServer();
  const Branches = [
    graph({ Slow: { Type: 'Wait', Seconds: 5, Next: 'One' }, One: work() }),
    graph({ Two: { Type: 'Pass', Output: 2, End: true } }),
  ];
  const states = {
    Both: {
      Type: 'Parallel',
      Arguments: { n: '{% $states.input.n + 1 %}' },
      Branches,
      Output: { all: '{% $states.result %}' },
      End: true,
    },
  };
  const execution = await server.start(await server.machine(states), { n: 1 });
  server.clock.advance(5_000);
  expect((await server.ended(execution)).result).toEqual({ all: [{ n: 2 }, 2] });
});

test('Map runs its states for every item, gives the context of the item, and keeps the order', async () => {
  const server = await testServer({ handler: ({ payload }) => ({ ...payload, done: true }) });
  const states = {
    Each: {
      Type: 'Map',
      Items: '{% $states.input.names %}',
      ItemSelector: {
        name: '{% $states.context.Map.Item.Value %}',
        at: '{% $states.context.Map.Item.Index %}',
        of: '{% $states.input.of %}',
      },
      ItemProcessor: graph({
        Work: work({ Next: 'Name', End: undefined }),
        Name: {
          Type: 'Pass',
          Output: '{% $states.context.Map.Item.Value & $states.input.of & $string($states.input.at) %}',
          End: true,
        },
      }),
      End: true,
    },
  };
  const ended = await runOnce(server, states, { names: ['a', 'b', 'c'], of: '-' });
  expect(ended.result).toEqual(['a-0', 'b-1', 'c-2']);
  const events = await server.history(ended.executionArn ?? '');
  expect(events.find(({ type }) => type === 'MapStateStarted')?.mapStateStartedEventDetails?.length).toBe(3);
  expect(events.filter(({ type }) => type === 'MapIterationSucceeded')).toHaveLength(3);
});

test('Map takes its input, an empty array, or an object with keys; anything else is an error', async () => {
  const server = await testServer();
  const each = (more: object, Output: unknown = '{% $states.input %}') => ({
    Each: { Type: 'Map', ItemProcessor: graph({ Same: { Type: 'Pass', Output, End: true } }), ...more, End: true },
  });
  expect((await runOnce(server, each({}), [1, [2]])).result).toEqual([1, [2]]);
  expect((await runOnce(server, each({ Items: [] }))).result).toEqual([]);
  const keyed = await runOnce(
    server,
    each({ Items: '{% {"a": 1, "b": 2} %}' }, '{% $states.context.Map.Item.Key & $string($states.input) %}'),
  );
  expect(keyed.result).toEqual(['a1', 'b2']);
  expect((await runOnce(server, each({ Items: '{% 7 %}' }))).error).toBe('States.QueryEvaluationError');
});

test.for([
  [2, 2],
  ['{% 3 %}', 3],
  [0, 40],
  [1000, 40],
])('MaxConcurrency %s keeps at most %i iterations under way', async ([MaxConcurrency, expected]) => {
  const waiting: (() => void)[] = [];
  let most = 0;
  const server = await testServer({
    handler: () =>
      new Promise((resolve) => {
        waiting.push(() => resolve(null));
        most = Math.max(most, waiting.length);
      }),
  });
  const states = {
    Each: { Type: 'Map', Items: '{% [1..50] %}', MaxConcurrency, ItemProcessor: graph({ Work: work() }), End: true },
  };
  const execution = await server.start(await server.machine(states));
  await until(async () => {
    waiting.shift()?.();
    return (await server.describe(execution)).status !== 'RUNNING' && waiting.length === 0;
  });
  expect(server.calls).toHaveLength(50);
  expect(most).toBe(expected);
});

test('A branch that fails ends the others, and its error goes to the Catch of the state around', async () => {
  const server = await testServer({
    handler: ({ payload }) => {
      if (payload.token === undefined) throw errorNamed('Broken');
    },
  });
  const Branches = [
    graph({ Ask: callbackTask() }),
    graph({ Wait: { Type: 'Wait', Seconds: 60, End: true } }),
    graph({ Work: work() }),
  ];
  const Catch = [{ ErrorEquals: ['Broken'], Next: 'Caught', Output: '{% $states.errorOutput.Error %}' }];
  const ended = await runOnce(server, {
    Both: { Type: 'Parallel', Branches, Catch, End: true },
    Caught: { Type: 'Succeed' },
  });
  expect(ended.result).toBe('Broken');
  const types = typesOf(await server.history(ended.executionArn ?? ''));
  expect(types.slice(types.indexOf('TaskFailed'))).toEqual([
    'TaskFailed',
    'TaskStateAborted',
    'WaitStateAborted',
    'ParallelStateFailed',
    'ParallelStateExited',
    'SucceedStateEntered',
    'SucceedStateExited',
    'ExecutionSucceeded',
  ]);
});

test('A Map whose iteration fails is retried as a whole', async () => {
  const server = await testServer({
    handler: ({ payload }, nth) => {
      if (nth === 2) throw errorNamed('Once');
      return payload;
    },
  });
  const Retry = [{ ErrorEquals: ['Once'], IntervalSeconds: 1 }];
  const states = {
    Each: { Type: 'Map', Items: [1, 2], MaxConcurrency: 1, Retry, ItemProcessor: graph({ Work: work() }), End: true },
  };
  const execution = await server.start(await server.machine(states));
  await until(async () => typesOf(await server.history(execution)).includes('MapStateFailed'));
  server.clock.advance(1_000);
  expect((await server.ended(execution)).result).toEqual([1, 2]);
  expect(server.calls.map(({ payload }) => payload)).toEqual([1, 2, 1, 2]);
});

test('An ItemSelector that cannot be evaluated fails the Map and ends the iterations that run', async () => {
  const server = await testServer();
  const states = {
    Each: {
      Type: 'Map',
      Items: [{ n: 1 }, {}],
      ItemSelector: { n: '{% $states.context.Map.Item.Value.n %}' },
      ItemProcessor: graph({ Wait: { Type: 'Wait', Seconds: 9, End: true } }),
      End: true,
    },
  };
  const ended = await runOnce(server, states);
  expect(ended.error).toBe('States.QueryEvaluationError');
  expect(typesOf(await server.history(ended.executionArn ?? '')).slice(-5)).toEqual([
    'EvaluationFailed',
    'WaitStateAborted',
    'MapIterationAborted',
    'MapStateFailed',
    'ExecutionFailed',
  ]);
});

test('Maps within Parallel within Map: every level has its own results and items', async () => {
  const server = await testServer();
  const inner = {
    Inner: {
      Type: 'Map',
      Items: '{% $states.input.of %}',
      ItemProcessor: graph({ Leaf: { Type: 'Pass', Output: '{% $states.context.Map.Item.Value * 10 %}', End: true } }),
      End: true,
    },
  };
  const both = {
    Both: {
      Type: 'Parallel',
      Branches: [
        graph(inner),
        graph({ Outer: { Type: 'Pass', Output: '{% $states.context.Map.Item.Index %}', End: true } }),
      ],
      End: true,
    },
  };
  const ended = await runOnce(server, { Each: { Type: 'Map', ItemProcessor: graph(both), End: true } }, [
    { of: [1, 2] },
    { of: [3] },
  ]);
  expect(ended.result).toEqual([
    [[10, 20], 0],
    [[30], 1],
  ]);
});
