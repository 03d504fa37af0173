import { expect, test } from 'vitest';
import { errorNamed, type Handler, invoke, type TestServer, testServer, until } from './support.ts';

const task = (more: object) => ({
  Type: 'Task',
  Resource: invoke,
  Arguments: { FunctionName: 'work' },
  End: true,
  ...more,
});
const failing =
  (...names: string[]): Handler =>
  (_call, nth) => {
    const name = names[nth - 1];
    if (name !== undefined) throw errorNamed(name);
    return 'fine';
  };

/** Moves time second by second until the execution has ended; returns the seconds before each further attempt. */
async function delays(server: TestServer, execution: string): Promise<number[]> {
  const started = server.clock.now();
  const seen: number[] = [];
  let calls = 0;
  await until(async () => {
    const settled = await until(async () => {
      const { status } = await server.describe(execution);
      const last = (await server.history(execution)).at(-1)?.type;
      return status !== 'RUNNING' ? 'ended' : last === 'TaskFailed' ? 'waiting' : undefined;
    });
    for (; calls < server.calls.length; calls++) seen.push((server.clock.now() - started) / 1000);
    if (settled === 'ended') return true;
    server.clock.advance(1_000);
    return false;
  });
  return seen.slice(1).map((at, index) => at - (seen[index] ?? 0));
}

async function attempt(Retry: object[], names: string[], random?: () => number) {
  const server = await testServer({ handler: failing(...names), ...(random && { random }) });
  const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Caught', Output: '{% $states.errorOutput.Error %}' }];
  const execution = await server.start(
    await server.machine({ Work: task({ Retry, Catch, Output: 'done' }), Caught: { Type: 'Succeed' } }),
  );
  return { delays: await delays(server, execution), ...(await server.ended(execution)) };
}

test('The interval grows by the rate up to the longest delay, as many times as allowed, and then Catch takes over', async () => {
  const retrier = { ErrorEquals: ['Flaky'], IntervalSeconds: 2, BackoffRate: 3, MaxDelaySeconds: 10, MaxAttempts: 3 };
  const exhausted = await attempt([retrier], Array(9).fill('Flaky'));
  expect(exhausted.delays).toEqual([2, 6, 10]);
  expect(exhausted.result).toBe('Flaky');
  expect((await attempt([retrier], ['Flaky', 'Flaky'])).result).toBe('done');
});

test('The defaults are three attempts after 1, 2 and 4 seconds; MaxAttempts 0 never retries', async () => {
  expect((await attempt([{ ErrorEquals: ['Flaky'] }], Array(9).fill('Flaky'))).delays).toEqual([1, 2, 4]);
  const never = [{ ErrorEquals: ['Fatal'], MaxAttempts: 0 }, { ErrorEquals: ['States.ALL'] }];
  expect((await attempt(never, ['Fatal'])).delays).toEqual([]);
});

test('Full jitter takes any part of the delay', async () => {
  const retrier = {
    ErrorEquals: ['Flaky'],
    IntervalSeconds: 8,
    BackoffRate: 1,
    MaxAttempts: 1,
    JitterStrategy: 'FULL',
  };
  expect((await attempt([retrier], ['Flaky'], () => 0.25)).delays).toEqual([2]);
  expect((await attempt([retrier], ['Flaky'], () => 0.999)).delays).toEqual([8]);
});

test('Each retrier counts for itself, over the whole visit of the state', async () => {
  const Retry = [
    { ErrorEquals: ['A', 'B'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 2 },
    { ErrorEquals: ['C'], IntervalSeconds: 5 },
  ];
  const ended = await attempt(Retry, ['A', 'B', 'C', 'B']);
  expect(ended.delays).toEqual([1, 2, 5]);
  expect(ended.result).toBe('B');
});

test('States.TaskFailed covers what a function raises and no timeout; States.ALL covers both', async () => {
  const server = await testServer({
    handler: ({ name }) => (name === 'slow' ? new Promise(() => {}) : failing('Any')({ name, payload: {} }, 1)),
  });
  const catching = (...names: string[]) => names.map((name) => ({ ErrorEquals: [name], Next: 'Caught', Output: name }));
  const run = async (FunctionName: string, Catch: object[]) => {
    const states = {
      Work: task({ Arguments: { FunctionName }, TimeoutSeconds: 5, Catch }),
      Caught: { Type: 'Succeed' },
    };
    const execution = await server.start(await server.machine(states));
    if (FunctionName === 'slow') server.clock.advance(5_000);
    return await server.ended(execution);
  };
  expect((await run('work', catching('States.Timeout', 'States.TaskFailed', 'States.ALL'))).result).toBe(
    'States.TaskFailed',
  );
  expect((await run('slow', catching('States.TaskFailed', 'States.ALL'))).result).toBe('States.ALL');
  expect((await run('slow', catching('States.TaskFailed'))).error).toBe('States.Timeout');
  expect((await run('work', catching('Other'))).error).toBe('Any');
});

test('An error in Arguments, Output or Assign can be caught; one in the Catch itself cannot', async () => {
  const server = await testServer();
  const Catch = [
    { ErrorEquals: ['States.QueryEvaluationError'], Next: 'Caught', Output: '{% $states.errorOutput.Cause %}' },
  ];
  const run = async (more: object) => {
    const states = { Work: task({ Catch, ...more }), Caught: { Type: 'Succeed' } };
    return await server.ended(await server.start(await server.machine(states)));
  };
  const { result, executionArn = '' } = await run({ Output: { a: [1, '{% $states.result.nothing %}'] } });
  expect(result).toBe(
    "An error occurred while executing the state 'Work' (entered at the event id #2). The JSONata expression '$states.result.nothing' specified for the field 'Output/a[1]' returned nothing (undefined).",
  );
  const failed = (await server.history(executionArn)).find(({ type }) => type === 'EvaluationFailed');
  expect(failed?.evaluationFailedEventDetails).toMatchObject({
    state: 'Work',
    error: 'States.QueryEvaluationError',
    location: 'Output/a[1]',
  });
  expect((await run({ Arguments: '{% 1 + "a" %}' })).result).toContain('T2002');
  expect((await run({ Assign: { x: '{% $nothing %}' } })).result).toContain("'Assign/x'");
  const broken = [{ ErrorEquals: ['States.ALL'], Next: 'Caught', Output: '{% $states.nothing %}' }];
  expect((await run({ Arguments: '{% $nothing %}', Catch: broken })).error).toBe('States.QueryEvaluationError');
});

test('A Catch assigns variables and sees the input; $states.context.State.RetryCount counts the retries', async () => {
  const server = await testServer({ handler: failing('Flaky', 'Flaky') });
  const states = {
    Work: task({
      Retry: [{ ErrorEquals: ['Flaky'], IntervalSeconds: 1, MaxAttempts: 1 }],
      Catch: [
        {
          ErrorEquals: ['Flaky'],
          Next: 'Caught',
          Assign: {
            why: '{% $states.errorOutput.Error %}',
            retries: '{% $states.context.State.RetryCount %}',
            id: '{% $states.input.id %}',
          },
        },
      ],
    }),
    Caught: {
      Type: 'Succeed',
      Output: '{% {"why": $why, "retries": $retries, "id": $id, "input": $states.input.Error} %}',
    },
  };
  const execution = await server.start(await server.machine(states), { id: 9 });
  await delays(server, execution);
  expect((await server.ended(execution)).result).toEqual({ why: 'Flaky', retries: 1, id: 9, input: 'Flaky' });
});
