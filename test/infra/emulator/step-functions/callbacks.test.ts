import {
  DeleteStateMachineCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { callbackTask, errorNamed, type TestServer, testServer, typesOf, until } from './support.ts';

const success = (taskToken: string, output: unknown) =>
  new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) });
const failure = (taskToken: string) => new SendTaskFailureCommand({ taskToken, error: 'Broken', cause: 'by hand' });
const heartbeat = (taskToken: string) => new SendTaskHeartbeatCommand({ taskToken });

async function everyAnswerIs(server: TestServer, token: string, name: string): Promise<void> {
  await expect(server.client.send(success(token, 1))).rejects.toMatchObject({ name });
  await expect(server.client.send(failure(token))).rejects.toMatchObject({ name });
  await expect(server.client.send(heartbeat(token))).rejects.toMatchObject({ name });
}

test('The execution waits for the callback, whatever the function itself returns, and continues with its output', async () => {
  const server = await testServer({ handler: () => 'the invocation is done' });
  const execution = await server.start(
    await server.machine({ Ask: callbackTask({ Output: { said: '{% $states.result %}' } }) }),
  );
  const token = await server.token(1);
  expect(token.length).toBeLessThanOrEqual(2048);
  await until(async () => typesOf(await server.history(execution)).includes('TaskSubmitted'));
  expect((await server.describe(execution)).status).toBe('RUNNING');
  await server.client.send(success(token, { yes: [1] }));
  expect(await server.ended(execution)).toMatchObject({ status: 'SUCCEEDED', result: { said: { yes: [1] } } });
  expect(typesOf(await server.history(execution))).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSubmitted',
    'TaskSucceeded',
    'TaskStateExited',
    'ExecutionSucceeded',
  ]);
  await everyAnswerIs(server, token, 'TaskTimedOut');
});

test('A callback that comes before the function has answered counts, and the answer no longer does', async () => {
  let answer: (error: Error) => void = () => {};
  const server = await testServer({
    handler: () =>
      new Promise((_, reject) => {
        answer = reject;
      }),
  });
  const execution = await server.start(await server.machine({ Ask: callbackTask() }));
  await server.client.send(success(await server.token(1), 'early'));
  answer(errorNamed('TooLate'));
  expect(await server.ended(execution)).toMatchObject({ status: 'SUCCEEDED', result: 'early' });
});

test('SendTaskFailure raises its error in the task', async () => {
  const server = await testServer();
  const Catch = [{ ErrorEquals: ['Broken'], Next: 'Caught', Output: '{% $states.errorOutput %}' }];
  const states = { Ask: callbackTask({ Catch }), Caught: { Type: 'Succeed' } };
  const execution = await server.start(await server.machine(states));
  await server.client.send(failure(await server.token(1)));
  expect((await server.ended(execution)).result).toEqual({ Error: 'Broken', Cause: 'by hand' });
});

test('Heartbeats keep the task alive; one that is missed is States.HeartbeatTimeout, retried with a new token', async () => {
  const server = await testServer();
  const states = {
    Ask: callbackTask({
      HeartbeatSeconds: '{% $states.input.heartbeat %}',
      TimeoutSeconds: 3600,
      Retry: [{ ErrorEquals: ['States.HeartbeatTimeout'], IntervalSeconds: 1, MaxAttempts: 1 }],
      Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Next: 'Lost', Output: '{% $states.errorOutput %}' }],
    }),
    Lost: { Type: 'Succeed' },
  };
  const execution = await server.start(await server.machine(states), { heartbeat: 10 });
  const first = await server.token(1);
  for (let beat = 0; beat < 5; beat++) {
    server.clock.advance(9_999);
    await server.client.send(heartbeat(first));
  }
  server.clock.advance(10_000);
  await until(async () => typesOf(await server.history(execution)).includes('TaskTimedOut'));
  await everyAnswerIs(server, first, 'TaskTimedOut');
  server.clock.advance(1_000);
  const second = await server.token(2);
  expect(second).not.toBe(first);
  await everyAnswerIs(server, first, 'TaskTimedOut');
  await server.client.send(heartbeat(second));
  server.clock.advance(10_000);
  const { result } = await server.ended(execution);
  expect(result.Error).toBe('States.HeartbeatTimeout');
  await everyAnswerIs(server, second, 'TaskTimedOut');
  const timedOut = (await server.history(execution)).filter(({ type }) => type === 'TaskTimedOut');
  expect(timedOut.map(({ taskTimedOutEventDetails }) => taskTimedOutEventDetails?.error)).toEqual([
    'States.Timeout',
    'States.Timeout',
  ]);
});

test('A heartbeat that comes after its deadline is refused, even if nothing has noticed the deadline yet', async () => {
  const server = await testServer();
  const execution = await server.start(await server.machine({ Ask: callbackTask({ HeartbeatSeconds: 10 }) }));
  const token = await server.token(1);
  const frozen = server.clock.setTimer;
  server.clock.setTimer = () => () => {};
  await server.client.send(heartbeat(token));
  server.clock.setTimer = frozen;
  server.clock.advance(10_001);
  await expect(server.client.send(heartbeat(token))).rejects.toMatchObject({ name: 'TaskTimedOut' });
  expect((await server.ended(execution)).error).toBe('States.Timeout');
});

test('Heartbeats do not extend TimeoutSeconds; that end is States.Timeout and no missed heartbeat', async () => {
  const server = await testServer();
  const Catch = [
    { ErrorEquals: ['States.HeartbeatTimeout'], Next: 'Heartbeat' },
    { ErrorEquals: ['States.Timeout'], Next: 'Timeout' },
  ];
  const states = {
    Ask: callbackTask({ HeartbeatSeconds: 10, TimeoutSeconds: 15, Catch }),
    Heartbeat: { Type: 'Succeed', Output: 'heartbeat' },
    Timeout: { Type: 'Succeed', Output: 'timeout' },
  };
  const execution = await server.start(await server.machine(states));
  const token = await server.token(1);
  server.clock.advance(9_000);
  await server.client.send(heartbeat(token));
  server.clock.advance(6_000);
  expect((await server.ended(execution)).result).toBe('timeout');
});

test('Tokens: forged ones are InvalidToken, those of a stopped execution TaskTimedOut, of a deleted one TaskDoesNotExist; output must be JSON', async () => {
  const server = await testServer();
  const executionArn = await server.start(await server.machine({ Ask: callbackTask() }));
  const token = await server.token(1);
  const copied = Buffer.concat([Buffer.alloc(16, 7), Buffer.from(token, 'base64url').subarray(16)]).toString(
    'base64url',
  );
  const tampered = `${token.slice(0, -2)}${token.endsWith('A') ? 'BB' : 'AA'}`;
  for (const forged of ['x', 'bm90IGEgdG9rZW4', tampered, copied]) await everyAnswerIs(server, forged, 'InvalidToken');
  const broken = new SendTaskSuccessCommand({ taskToken: token, output: '{not json' });
  await expect(server.client.send(broken)).rejects.toMatchObject({ name: 'InvalidOutput' });
  await server.client.send(new StopExecutionCommand({ executionArn }));
  await everyAnswerIs(server, token, 'TaskTimedOut');
  const { stateMachineArn } = await server.describe(executionArn);
  await server.client.send(new DeleteStateMachineCommand({ stateMachineArn }));
  await everyAnswerIs(server, token, 'TaskDoesNotExist');
});

test('Of many racing callbacks exactly one takes effect', async () => {
  const server = await testServer();
  const execution = await server.start(await server.machine({ Ask: callbackTask() }));
  const token = await server.token(1);
  const answers = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => server.client.send(success(token, n))));
  const winners = answers.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
  expect(winners).toHaveLength(1);
  expect((await server.ended(execution)).result).toBe(winners[0]);
});
