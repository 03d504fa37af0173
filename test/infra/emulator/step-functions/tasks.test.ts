import { expect, test } from 'vitest';
import { callbackTask, errorNamed, invoke, RejectionError, runOnce, testServer, typesOf, until } from './support.ts';

const task = (more: object = {}) => ({
  Type: 'Task',
  Resource: invoke,
  Arguments: { FunctionName: 'arn:aws:lambda:us-east-1:000000000000:function:work', Payload: '{% $states.input %}' },
  End: true,
  ...more,
});

test('lambda:invoke calls the function with the payload and answers in the shape of the Invoke API', async () => {
  const server = await testServer({ handler: ({ payload }) => ({ got: payload }) });
  const { result, executionArn = '' } = await runOnce(server, { Work: task() }, { n: 1 });
  expect(server.calls).toEqual([{ name: 'arn:aws:lambda:us-east-1:000000000000:function:work', payload: { n: 1 } }]);
  expect(result).toMatchObject({ ExecutedVersion: '$LATEST', Payload: { got: { n: 1 } }, StatusCode: 200 });
  const [scheduled] = (await server.history(executionArn)).filter(({ type }) => type === 'TaskScheduled');
  expect(scheduled?.taskScheduledEventDetails).toMatchObject({
    resourceType: 'lambda',
    resource: 'invoke',
    region: 'us-east-1',
  });
  expect(JSON.parse(scheduled?.taskScheduledEventDetails?.parameters ?? '')).toMatchObject({ Payload: { n: 1 } });
});

test('A function that answers nothing gives a null payload; no Payload sends {}', async () => {
  const server = await testServer({ handler: () => undefined });
  const { result } = await runOnce(server, {
    Work: task({ Arguments: { FunctionName: 'work' }, Output: '{% $states.result.Payload %}' }),
  });
  expect(result).toBeNull();
  expect(server.calls[0]?.payload).toEqual({});
});

test('The partition of the resource does not matter', async () => {
  const server = await testServer();
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what a definition holds before its substitution
  for (const partition of ['aws-cn', 'aws-us-gov', '${AWS::Partition}']) {
    const ended = await runOnce(server, { Work: task({ Resource: `arn:${partition}:states:::lambda:invoke` }) });
    expect(ended.status, partition).toBe('SUCCEEDED');
  }
});

test("A function's error surfaces under its own type, with Lambda's error document as the cause", async () => {
  const server = await testServer({
    handler: () => {
      throw errorNamed('LeaseLost', 'the lease is gone');
    },
  });
  const ended = await runOnce(server, { Work: task() });
  expect(ended).toMatchObject({ status: 'FAILED', error: 'LeaseLost' });
  expect(JSON.parse(ended.cause ?? '')).toEqual({ errorType: 'LeaseLost', errorMessage: 'the lease is gone' });
  expect(typesOf(await server.history(ended.executionArn ?? ''))).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskFailed',
    'ExecutionFailed',
  ]);
});

test('Errors of the Lambda service and a host that cannot invoke carry the prefix Lambda.', async () => {
  const failing = async (error: Error) => {
    const server = await testServer({
      handler: () => {
        throw error;
      },
    });
    return await runOnce(server, { Work: task() });
  };
  const throttled = await failing(errorNamed('Lambda.TooManyRequestsException', 'Rate Exceeded.'));
  expect(throttled).toMatchObject({ error: 'Lambda.TooManyRequestsException', cause: 'Rate Exceeded.' });
  const unknown = await failing(new RejectionError('ResourceNotFoundException', 'Function not found: work'));
  expect(unknown).toMatchObject({ error: 'Lambda.ResourceNotFoundException', cause: 'Function not found: work' });
  expect(await failing(new RejectionError('TypeError', 'socket hang up'))).toMatchObject({ error: 'Lambda.Unknown' });
});

test("A function's error before the callback fails the task that waits for it", async () => {
  const server = await testServer({
    handler: () => {
      throw errorNamed('Refused');
    },
  });
  expect(await runOnce(server, { Ask: callbackTask() })).toMatchObject({ status: 'FAILED', error: 'Refused' });
});

test('TimeoutSeconds ends an invocation that does not come back, and its late answer changes nothing', async () => {
  let answer: (value: unknown) => void = () => {};
  const server = await testServer({
    handler: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  });
  const Catch = [{ ErrorEquals: ['States.Timeout'], Next: 'Wait', Output: '{% $states.errorOutput %}' }];
  const machine = await server.machine({
    Work: task({ TimeoutSeconds: '{% 2 + 3 %}', Catch }),
    Wait: { Type: 'Wait', Seconds: 60, End: true },
  });
  const execution = await server.start(machine);
  server.clock.advance(5_000);
  await until(async () => typesOf(await server.history(execution)).includes('WaitStateEntered'));
  answer('late');
  server.clock.advance(60_000);
  expect(await server.ended(execution)).toMatchObject({ status: 'SUCCEEDED', result: { Error: 'States.Timeout' } });
  const history = await server.history(execution);
  expect(history.find(({ type }) => type === 'TaskScheduled')?.taskScheduledEventDetails?.timeoutInSeconds).toBe(5);
  expect(typesOf(history)).not.toContain('TaskSucceeded');
});

test('The late answer of an attempt that timed out is not taken for that of the next attempt', async () => {
  const answers: ((value: unknown) => void)[] = [];
  const server = await testServer({ handler: () => new Promise((resolve) => answers.push(resolve)) });
  const Retry = [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 1 }];
  const machine = await server.machine({
    Work: task({ TimeoutSeconds: 5, Retry, Output: '{% $states.result.Payload %}' }),
  });
  const execution = await server.start(machine);
  server.clock.advance(5_000);
  await until(async () => typesOf(await server.history(execution)).includes('TaskTimedOut'));
  server.clock.advance(1_000);
  await until(async () => answers.length === 2);
  answers[0]?.('first');
  await server.describe(execution);
  answers[1]?.('second');
  expect((await server.ended(execution)).result).toBe('second');
});

test('Times that expressions give are checked when the task begins', async () => {
  const server = await testServer();
  for (const [more, cause] of [
    [{ TimeoutSeconds: '{% 0 %}' }, "'TimeoutSeconds' returned an unexpected result type"],
    [{ HeartbeatSeconds: "{% 'soon' %}" }, "'HeartbeatSeconds' returned an unexpected result type"],
    [{ HeartbeatSeconds: '{% 10 %}', TimeoutSeconds: 10 }, 'HeartbeatSeconds (10) of the state'],
  ] as const) {
    const ended = await runOnce(server, { Work: task(more) });
    expect(ended.error).toBe('States.QueryEvaluationError');
    expect(ended.cause).toContain(cause);
  }
  expect(server.calls).toEqual([]);
});

test('Arguments that turn out to lack the function are States.Runtime, which nothing catches', async () => {
  const server = await testServer();
  const Catch = ['States.Runtime', 'States.TaskFailed', 'States.ALL'].map((name) => ({
    ErrorEquals: [name],
    Next: 'Caught',
  }));
  const states = { Work: task({ Arguments: '{% {"Payload": 1} %}', Catch }), Caught: { Type: 'Succeed' } };
  expect(await runOnce(server, states)).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  expect(server.calls).toEqual([]);
});

test('More than 256 KiB is States.DataLimitExceeded, which States.ALL does not catch', async () => {
  const server = await testServer({ handler: () => 'x'.repeat(256 * 1024) });
  const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }];
  const caught = { Caught: { Type: 'Succeed' } };
  const result = await runOnce(server, { Work: task({ Catch }), ...caught });
  expect(result).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
  const grown = {
    Type: 'Parallel',
    Branches: [
      { StartAt: 'Grow', States: { Grow: { Type: 'Pass', Output: "{% $pad('', 300000, 'x') %}", End: true } } },
    ],
  };
  expect((await runOnce(server, { Grown: { ...grown, Catch, End: true }, ...caught })).error).toBe(
    'States.DataLimitExceeded',
  );
});
