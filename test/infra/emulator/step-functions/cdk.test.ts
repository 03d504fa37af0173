import { SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { expect, test } from 'vitest';
import { errorNamed, type Handler, roleArn, testServer, typesOf, until } from './support.ts';

const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:work';

/** A workflow with the parts that ours are made of, as CDK renders it, with its references filled in. */
function synthesised(): string {
  const stack = new Stack(new App(), 'Workflows');
  const lambdaFunction = lambda.Function.fromFunctionArn(stack, 'Work', functionArn);
  const call = (id: string, more: object = {}) =>
    LambdaInvoke.jsonata(stack, id, {
      lambdaFunction,
      retryOnServiceExceptions: false,
      outputs: '{% $states.result.Payload %}',
      ...more,
    });

  const offer = call('Offer', {
    integrationPattern: sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
    payload: sfn.TaskInput.fromObject({
      token: '{% $states.context.Task.Token %}',
      worker: '{% $states.input.worker %}',
    }),
    heartbeatTimeout: sfn.Timeout.duration(Duration.seconds(10)),
    taskTimeout: sfn.Timeout.duration(Duration.minutes(5)),
    outputs: { entries: '{% $states.result.entries %}' },
    assign: { worker: '{% $states.input.worker %}' },
  });
  offer.addRetry({
    errors: ['States.HeartbeatTimeout'],
    maxAttempts: 1,
    interval: Duration.seconds(2),
    jitterStrategy: sfn.JitterType.FULL,
  });
  const lost = sfn.Fail.jsonata(stack, 'Lost', { error: '{% $states.input.why %}', cause: 'the worker was lost' });
  offer.addCatch(lost, {
    errors: [sfn.Errors.HEARTBEAT_TIMEOUT, sfn.Errors.TIMEOUT],
    outputs: { why: '{% $states.errorOutput.Error %}' },
  });

  const verify = sfn.Map.jsonata(stack, 'Verify', {
    items: sfn.ProvideItems.jsonata('{% $states.input.entries %}'),
    itemSelector: { entry: '{% $states.context.Map.Item.Value %}', worker: '{% $worker %}' },
    maxConcurrency: 2,
  }).itemProcessor(call('Check'));
  const settle = sfn.Parallel.jsonata(stack, 'Settle', {
    outputs: { checked: '{% $states.result[0] %}', worker: '{% $states.result[1] %}' },
  })
    .branch(sfn.Pass.jsonata(stack, 'Checked'))
    .branch(sfn.Pass.jsonata(stack, 'Worker', { outputs: '{% $worker %}' }));
  const pause = sfn.Wait.jsonata(stack, 'Pause', { time: sfn.WaitTime.seconds('{% $states.input.pause %}') });
  const delayed = sfn.Choice.jsonata(stack, 'Delayed?')
    .when(sfn.Condition.jsonata('{% $states.input.pause > 0 %}'), pause.next(offer))
    .otherwise(offer);
  offer.next(verify).next(settle);
  const definitionBody = sfn.DefinitionBody.fromChainable(delayed);
  new sfn.StateMachine(stack, 'Machine', {
    definitionBody,
    queryLanguage: sfn.QueryLanguage.JSONATA,
    timeout: Duration.hours(1),
  });

  const machines = Template.fromStack(stack).findResources('AWS::StepFunctions::StateMachine');
  const [join] = Object.values(machines).map(({ Properties }) => Properties.DefinitionString['Fn::Join']);
  const [separator, parts] = join as [string, (string | { Ref: string })[]];
  return parts.map((part) => (typeof part === 'string' ? part : { 'AWS::Partition': 'aws' }[part.Ref])).join(separator);
}

const definition = synthesised();
const working: Handler = ({ payload }) => (payload.entry === undefined ? null : `${payload.worker}:${payload.entry}`);

async function started(handler: Handler, input: object) {
  const server = await testServer({ handler, random: () => 0.5 });
  const { stateMachineArn } = await server.createStateMachine({ name: 'synthesised', definition, roleArn });
  return { server, execution: await server.start(stateMachineArn, input) };
}

test('the definition rendered by CDK has no JSONPath and none of the retries that it adds by itself', () => {
  expect(definition).not.toContain('$$.');
  const { QueryLanguage, States } = JSON.parse(definition);
  expect(QueryLanguage).toBe('JSONata');
  expect(States.Offer.Retry).toHaveLength(1);
  expect(States.Verify.ItemProcessor.States.Check.Retry).toBeUndefined();
});

test('the definition rendered by CDK runs from end to end', async () => {
  const { server, execution } = await started(working, { worker: 'w1', pause: 30 });
  expect(server.calls).toEqual([]);
  server.clock.advance(30_000);
  const taskToken = await server.token(1);
  expect(server.calls[0]).toMatchObject({ name: functionArn, payload: { worker: 'w1' } });
  await server.client.send(new SendTaskSuccessCommand({ taskToken, output: '{"entries":["a","b","c"]}' }));
  expect((await server.ended(execution)).result).toEqual({ checked: ['w1:a', 'w1:b', 'w1:c'], worker: 'w1' });
});

test('Its retry and catch work: one more attempt with full jitter, then the failure with its error', async () => {
  const { server, execution } = await started(working, { worker: 'w1', pause: 0 });
  const first = await server.token(1);
  server.clock.advance(10_000);
  await until(async () => typesOf(await server.history(execution)).includes('TaskTimedOut'));
  server.clock.advance(1_000);
  expect(await server.token(2)).not.toBe(first);
  server.clock.advance(10_000);
  expect(await server.ended(execution)).toMatchObject({
    status: 'FAILED',
    error: 'States.HeartbeatTimeout',
    cause: 'the worker was lost',
  });
});

test('An error that it does not catch ends it', async () => {
  const { server, execution } = await started(
    () => {
      throw errorNamed('Refused');
    },
    { worker: 'w1', pause: 0 },
  );
  expect(await server.ended(execution)).toMatchObject({ status: 'FAILED', error: 'Refused' });
});
