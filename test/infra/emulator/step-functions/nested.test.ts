import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { PermissionGuard } from '../../../../emulator/iam/guard.ts';
import { endOf } from '../../../../emulator/iam/needs.ts';
import { callbackTask, runOnce, testServer, typesOf, until } from './support.ts';

const start = (resource: string, Arguments: object, more: object = {}) => ({
  Start: { Type: 'Task', Resource: `arn:aws:states:::${resource}`, Arguments, End: true, ...more },
});

test('startExecution starts the other machine and does not wait for it', async () => {
  const server = await testServer();
  const child = await server.machine({ Wait: { Type: 'Wait', Seconds: 60, End: true } });
  for (const resource of ['states:startExecution', 'aws-sdk:sfn:startExecution']) {
    const Input = resource.startsWith('aws-sdk') ? '{"n":1}' : { n: '{% $states.input.n %}' };
    const name = resource.replaceAll(':', '-');
    const ended = await runOnce(server, start(resource, { StateMachineArn: child, Name: name, Input }), { n: 1 });
    expect(ended.result.ExecutionArn).toBe(`${child.replace('stateMachine', 'execution')}:${name}`);
    expect(await server.describe(ended.result.ExecutionArn)).toMatchObject({ status: 'RUNNING', input: '{"n":1}' });
  }
});

test('a refusal by StartExecution is an error of the task', async () => {
  const server = await testServer();
  const child = await server.machine({ Done: { Type: 'Succeed' } });
  const states = (Name: string) => start('states:startExecution', { StateMachineArn: child, Name });
  expect((await runOnce(server, states('once'))).status).toBe('SUCCEEDED');
  expect((await runOnce(server, states('once'))).error).toBe('StepFunctions.ExecutionAlreadyExistsException');
  expect((await runOnce(server, states('not fine'))).error).toBe('StepFunctions.InvalidNameException');
});

test('A machine calls what its role allows, and nothing else', async () => {
  const permissions = new PermissionGuard();
  const server = await testServer({ permissions });
  const child = await server.machine({ Done: { Type: 'Succeed' } });
  const calling = await server.machine({ Call: callbackTask() });
  const starting = await server.machine(start('states:startExecution', { StateMachineArn: child }));
  const ended = async (machine: string) => server.ended(await server.start(machine));
  expect(await ended(calling)).toMatchObject({
    error: 'Lambda.AWSLambdaException',
    cause: expect.stringMatching(/^stateMachine:\S+ is not allowed lambda:InvokeFunction on function:worker$/),
  });
  expect((await ended(starting)).error).toBe('StepFunctions.AWSStepFunctionsException');
  expect(server.calls).toEqual([]);
  permissions.enforce(
    new Map([
      [endOf(calling), [{ action: 'lambda:InvokeFunction', resource: 'function:worker' }]],
      [endOf(starting), [{ action: 'states:StartExecution', resource: endOf(child) }]],
    ]),
  );
  await server.start(calling);
  await server.token(1);
  expect((await ended(starting)).status).toBe('SUCCEEDED');
});

test('startExecution.sync:2 waits and answers with the output as JSON; a child that fails fails the task', async () => {
  const server = await testServer();
  const child = await server.machine({
    Wait: { Type: 'Wait', Seconds: 60, Output: { said: '{% $states.input %}' }, End: true },
  });
  const states = start('states:startExecution.sync:2', {
    StateMachineArn: child,
    Name: '{% $states.input %}',
    Input: { to: 'you' },
  });
  const machine = await server.machine(states);
  const [good, bad] = [await server.start(machine, 'good'), await server.start(machine, 'bad')];
  const submitted = async (arn: string) => typesOf(await server.history(arn)).includes('TaskSubmitted');
  await until(async () => (await submitted(good)) && (await submitted(bad)));
  await server.client.send(
    new StopExecutionCommand({ executionArn: `${child.replace('stateMachine', 'execution')}:bad` }),
  );
  const failed = await server.ended(bad);
  expect(failed.error).toBe('States.TaskFailed');
  expect(JSON.parse(failed.cause ?? '')).toMatchObject({ Name: 'bad', Status: 'ABORTED' });
  server.clock.advance(60_000);
  expect((await server.ended(good)).result).toMatchObject({
    Name: 'good',
    Status: 'SUCCEEDED',
    Output: { said: { to: 'you' } },
  });
});
