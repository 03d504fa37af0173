import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DescribeStateMachineCommand,
  ListStateMachinesCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { callbackTask, invoke, roleArn, testServer } from './support.ts';

const definitionOf = (states: Record<string, object>, more: object = {}) =>
  JSON.stringify({ QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states, ...more });
const done = { Done: { Type: 'Succeed' } };
const task = { Type: 'Task', Resource: invoke, Arguments: { FunctionName: 'work' }, End: true };

test('A state machine is created, described, listed, updated, tagged and deleted', async () => {
  const { client } = await testServer();
  const definition = definitionOf(done);
  const create = (more: object = {}) =>
    client.send(new CreateStateMachineCommand({ name: 'orders', definition, roleArn, ...more }));
  const { stateMachineArn = '', creationDate } = await create({ tags: [{ key: 'stage', value: 'dev' }] });
  expect(stateMachineArn).toBe('arn:aws:states:us-east-1:000000000000:stateMachine:orders');
  expect((await create()).creationDate).toEqual(creationDate);
  await expect(create({ definition: definitionOf({ Other: { Type: 'Succeed' } }) })).rejects.toMatchObject({
    name: 'StateMachineAlreadyExists',
  });

  const describe = () => client.send(new DescribeStateMachineCommand({ stateMachineArn }));
  expect(await describe()).toMatchObject({
    name: 'orders',
    definition,
    roleArn,
    status: 'ACTIVE',
    type: 'STANDARD',
    creationDate,
  });
  const updated = definitionOf({ Other: { Type: 'Succeed' } });
  await client.send(new UpdateStateMachineCommand({ stateMachineArn, definition: updated }));
  expect(await describe()).toMatchObject({ definition: updated, creationDate });
  const broken = new UpdateStateMachineCommand({
    stateMachineArn,
    definition: definitionOf({ Bad: { Type: 'Nope' } }),
  });
  await expect(client.send(broken)).rejects.toMatchObject({ name: 'InvalidDefinition' });
  expect(await describe()).toMatchObject({ definition: updated });

  await client.send(new TagResourceCommand({ resourceArn: stateMachineArn, tags: [{ key: 'team', value: 'a' }] }));
  const { tags } = await client.send(new ListTagsForResourceCommand({ resourceArn: stateMachineArn }));
  expect(tags).toEqual([
    { key: 'stage', value: 'dev' },
    { key: 'team', value: 'a' },
  ]);
  await create({ name: 'another' });
  const first = await client.send(new ListStateMachinesCommand({ maxResults: 1 }));
  const second = await client.send(new ListStateMachinesCommand({ maxResults: 1, nextToken: first.nextToken }));
  expect([first, second].map(({ stateMachines }) => stateMachines?.map(({ name }) => name))).toEqual([
    ['another'],
    ['orders'],
  ]);
  expect(second.nextToken).toBeUndefined();

  await client.send(new DeleteStateMachineCommand({ stateMachineArn }));
  await client.send(new DeleteStateMachineCommand({ stateMachineArn }));
  await expect(describe()).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
});

test('Deleting a state machine ends and forgets its executions; an update leaves running ones as they were', async () => {
  const server = await testServer();
  const stateMachineArn = await server.machine({
    Wait: { Type: 'Wait', Seconds: 10, Next: 'Say' },
    Say: { Type: 'Pass', Output: 'old', End: true },
  });
  const running = await server.start(stateMachineArn);
  const definition = definitionOf({ Say: { Type: 'Pass', Output: 'new', End: true } });
  await server.client.send(new UpdateStateMachineCommand({ stateMachineArn, definition }));
  expect((await server.ended(await server.start(stateMachineArn))).result).toBe('new');
  server.clock.advance(10_000);
  expect((await server.ended(running)).result).toBe('old');
  await server.client.send(new DeleteStateMachineCommand({ stateMachineArn }));
  await expect(server.describe(running)).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
});

test.for([
  ['no JSON', '{', 'INVALID_JSON'],
  ['JSONPath', JSON.stringify({ StartAt: 'Done', States: done }), 'set "QueryLanguage": "JSONata"'],
  [
    'a state in JSONPath',
    definitionOf({ Done: { Type: 'Succeed', QueryLanguage: 'JSONPath' } }),
    '/States/Done uses JSONPath',
  ],
  ['an unknown type', definitionOf({ Bad: { Type: 'Nope' } }), '/States/Bad'],
  ['an unknown field', definitionOf({ Bad: { Type: 'Pass', InputPath: '$', End: true } }), '/States/Bad'],
  ['no start', definitionOf(done, { StartAt: 'Elsewhere' }), 'Elsewhere'],
  ['no such next state', definitionOf({ Go: { Type: 'Pass', Next: 'Elsewhere' } }), 'MISSING_TRANSITION_TARGET'],
  ['no end', definitionOf({ Go: { Type: 'Pass' } }), 'TERMINAL'],
  [
    'the same name twice',
    definitionOf({
      Go: { Type: 'Parallel', Branches: [{ StartAt: 'Go', States: { Go: { Type: 'Succeed' } } }], End: true },
    }),
    'DUPLICATE_STATE_NAMES',
  ],
  [
    'a heartbeat not below its timeout',
    definitionOf({ Work: { ...task, HeartbeatSeconds: 60, TimeoutSeconds: 60 } }),
    'HeartbeatSeconds (60) must be below TimeoutSeconds (60)',
  ],
  [
    'another resource',
    definitionOf({ Work: { ...task, Resource: 'arn:aws:states:::sqs:sendMessage' } }),
    'sqs:sendMessage',
  ],
  ['no function', definitionOf({ Work: { ...task, Arguments: {} } }), 'FunctionName'],
  [
    'a broken expression',
    definitionOf({ Say: { Type: 'Pass', Output: { a: ['{% 1 + %}'] }, End: true } }),
    '/States/Say/Output/a[0]',
  ],
  [
    'an operator that AWS lacks',
    definitionOf({ Say: { Type: 'Pass', Output: '{% $states.input.a ?? 1 %}', End: true } }),
    '2.0.6',
  ],
  [
    'another such operator',
    definitionOf({ Say: { Type: 'Pass', Output: '{% $states.input.a ?: 1 %}', End: true } }),
    '2.0.6',
  ],
  ['$eval', definitionOf({ Say: { Type: 'Pass', Output: "{% $eval('1') %}", End: true } }), '$parse'],
  [
    'States.ALL with others',
    definitionOf({ Work: { ...task, Retry: [{ ErrorEquals: ['States.ALL', 'A'] }] } }),
    'alone and last',
  ],
  [
    'States.ALL before others',
    definitionOf({
      Work: {
        ...task,
        Catch: [
          { ErrorEquals: ['States.ALL'], Next: 'Done' },
          { ErrorEquals: ['A'], Next: 'Done' },
        ],
      },
      ...done,
    }),
    'alone and last',
  ],
  [
    'a delay cap below the interval',
    definitionOf({ Work: { ...task, Retry: [{ ErrorEquals: ['A'], IntervalSeconds: 5, MaxDelaySeconds: 5 }] } }),
    'MaxDelaySeconds (5)',
  ],
  [
    'a variable named states',
    definitionOf({ Say: { Type: 'Pass', Assign: { states: 1 }, End: true } }),
    "'states' cannot be the name",
  ],
  [
    'a distributed map',
    definitionOf({
      Each: { Type: 'Map', ItemReader: { Resource: 'x' }, ItemProcessor: { StartAt: 'Done', States: done }, End: true },
    }),
    'ItemReader is for distributed maps',
  ],
] as const)('A definition with %s is refused, and says what is wrong', async ([, definition, message]) => {
  const { client } = await testServer();
  const refused = client.send(new CreateStateMachineCommand({ name: 'bad', definition, roleArn }));
  await expect(refused).rejects.toMatchObject({ name: 'InvalidDefinition', message: expect.stringContaining(message) });
});

test('A variable must not be assigned inside a branch when it is assigned around it', async () => {
  const { client } = await testServer();
  const branch = { StartAt: 'Inner', States: { Inner: { Type: 'Pass', Assign: { taken: 2 }, End: true } } };
  const definition = definitionOf({ Both: { Type: 'Parallel', Branches: [branch], Assign: { taken: 1 }, End: true } });
  const refused = client.send(new CreateStateMachineCommand({ name: 'bad', definition, roleArn }));
  await expect(refused).rejects.toMatchObject({
    name: 'InvalidDefinition',
    message: expect.stringContaining("'taken'"),
  });
});

test('states that AWS accepts and asl-validator refuses are accepted: any Output, empty strings, expressions over lines', async () => {
  const server = await testServer();
  const states = {
    Say: {
      Type: 'Pass',
      Output: ['', null, 1, ['a', ['b']], '{% (\n  $a := 1;\n  $a + 1\n) %}'],
      Assign: { list: ['x', ''] },
      Next: 'Pick',
    },
    Pick: { Type: 'Choice', Choices: [{ Condition: '{%\n  true\n%}', Next: 'Stop' }] },
    Stop: { Type: 'Fail', Error: '', Cause: 'one\ntwo' },
  };
  const ended = await server.ended(await server.start(await server.machine(states)));
  expect(ended).toMatchObject({ status: 'FAILED', error: '', cause: 'one\ntwo' });
});

test('Names are checked, EXPRESS is refused, and an unknown operation says so', async () => {
  const { client } = await testServer();
  const definition = definitionOf({ Ask: callbackTask() });
  const create = (more: object) =>
    client.send(new CreateStateMachineCommand({ name: 'fine', definition, roleArn, ...more }));
  await expect(create({ name: 'not fine' })).rejects.toMatchObject({ name: 'InvalidName' });
  await expect(create({ type: 'EXPRESS' })).rejects.toMatchObject({ name: 'ValidationException' });
  const { endpoint } = client.config;
  const { protocol, hostname, port, path } = (await endpoint?.()) ?? {};
  const answer = await fetch(`${protocol}//${hostname}:${port}${path}`, {
    method: 'POST',
    headers: { 'x-amz-target': 'AWSStepFunctions.Nothing', 'content-type': 'application/x-amz-json-1.0' },
    body: '{}',
  });
  expect([answer.status, ((await answer.json()) as { __type: string }).__type]).toEqual([
    400,
    'UnknownOperationException',
  ]);
});
