import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { callbackTask, runOnce, testServer, typesOf } from './support.ts';

const waiting = { Wait: { Type: 'Wait', Seconds: 60, End: true } };
const counting = {
  Count: { Type: 'Pass', Output: { n: '{% $states.input.n + 1 %}' }, Next: 'Again' },
  Again: {
    Type: 'Choice',
    Choices: [{ Condition: '{% $states.input.n < 1000000 %}', Next: 'Count' }],
    Default: 'Done',
  },
  Done: { Type: 'Succeed' },
};

test('StartExecution with the same name and input answers the same while the execution runs', async () => {
  const server = await testServer();
  const stateMachineArn = await server.machine({ Ask: callbackTask() });
  const start = (input: string) =>
    server.client.send(new StartExecutionCommand({ stateMachineArn, name: 'once', input }));
  const answers = await Promise.all(Array.from({ length: 20 }, () => start('{"n":1}')));
  server.clock.advance(5_000);
  answers.push(await start('{"n":1}'));
  expect(new Set(answers.map(({ executionArn }) => executionArn)).size).toBe(1);
  expect(new Set(answers.map(({ startDate }) => startDate?.getTime())).size).toBe(1);
  expect(answers[0]?.executionArn).toBe(`${stateMachineArn.replace('stateMachine', 'execution')}:once`);
  await server.token(1);
  expect(server.calls).toHaveLength(1);
  await expect(start('{"n":2}')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
});

test('The name stays taken once the execution has ended, also for the same input', async () => {
  const server = await testServer();
  const machine = await server.machine({ Done: { Type: 'Succeed' } });
  await server.ended(await server.start(machine, {}, 'once'));
  await expect(server.start(machine, {}, 'once')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  const other = await server.machine({ Done: { Type: 'Succeed' } });
  expect((await server.ended(await server.start(other, {}, 'once'))).status).toBe('SUCCEEDED');
});

test('StartExecution refuses bad names, bad JSON, large input and unknown machines, and starts nothing', async () => {
  const server = await testServer();
  const stateMachineArn = await server.machine(waiting);
  const start = (more: object) => server.client.send(new StartExecutionCommand({ stateMachineArn, ...more }));
  for (const name of ['', 'with space', 'a/b', 'a:b', 'a*', 'a"b', 'tab\t', 'x'.repeat(81)]) {
    await expect(start({ name }), name).rejects.toMatchObject({ name: 'InvalidName' });
  }
  await expect(start({ input: '{' })).rejects.toMatchObject({ name: 'InvalidExecutionInput' });
  await expect(start({ input: JSON.stringify('é'.repeat(131_072)) })).rejects.toMatchObject({
    name: 'ValidationException',
  });
  await expect(start({ stateMachineArn: `${stateMachineArn}x` })).rejects.toMatchObject({
    name: 'StateMachineDoesNotExist',
  });
  await expect(start({ stateMachineArn: 'nonsense' })).rejects.toMatchObject({ name: 'InvalidArn' });
  expect((await server.client.send(new ListExecutionsCommand({ stateMachineArn }))).executions).toEqual([]);
  const largest = JSON.stringify('x'.repeat(262_142));
  await start({ name: 'Ünïcode_-.()+=@!', input: largest });
  const executionArn = `${stateMachineArn.replace('stateMachine', 'execution')}:Ünïcode_-.()+=@!`;
  expect((await server.client.send(new DescribeExecutionCommand({ executionArn }))).input).toBe(largest);
});

test('DescribeExecution tells what went in and out, and knows only what exists', async () => {
  const server = await testServer();
  const machine = await server.machine(waiting);
  const execution = await server.start(machine, { n: 1 });
  const startDate = new Date(server.clock.now());
  expect(await server.describe(execution)).toMatchObject({
    status: 'RUNNING',
    input: '{"n":1}',
    startDate,
    stateMachineArn: machine,
  });
  server.clock.advance(60_000);
  expect(await server.ended(execution)).toMatchObject({ output: '{"n":1}', stopDate: new Date(server.clock.now()) });
  await expect(server.describe(`${execution}x`)).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
  await expect(server.describe(machine)).rejects.toMatchObject({ name: 'InvalidArn' });
});

test('ListExecutions filters by status and pages, newest first, without repeating or skipping', async () => {
  const server = await testServer();
  const stateMachineArn = await server.machine(waiting);
  const started: string[] = [];
  for (let n = 0; n < 7; n++) {
    started.unshift(await server.start(stateMachineArn));
    server.clock.advance(1_000);
  }
  const stopped = started[3] ?? '';
  await server.client.send(new StopExecutionCommand({ executionArn: stopped }));
  const seen: string[] = [];
  for (let nextToken: string | undefined; ; ) {
    const page = await server.client.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 2, nextToken }),
    );
    seen.push(...(page.executions ?? []).map(({ executionArn = '' }) => executionArn));
    // Listed executions may end or begin between the pages.
    if (seen.length === 2) await server.client.send(new StopExecutionCommand({ executionArn: seen[1] }));
    await server.start(stateMachineArn);
    nextToken = page.nextToken;
    if (nextToken === undefined) break;
  }
  expect(seen).toEqual(started.filter((arn) => arn !== stopped));
  const aborted = await server.client.send(new ListExecutionsCommand({ stateMachineArn, statusFilter: 'ABORTED' }));
  expect(aborted.executions?.map(({ executionArn }) => executionArn)).toEqual([seen[1], stopped]);
  const bad = new ListExecutionsCommand({ stateMachineArn, nextToken: 'bm9uc2Vuc2U' });
  await expect(server.client.send(bad)).rejects.toMatchObject({ name: 'InvalidToken' });
});

test('StopExecution aborts at once, keeps error and cause, and changes nothing that has ended', async () => {
  const server = await testServer();
  const machine = await server.machine(waiting);
  const executionArn = await server.start(machine);
  const { stopDate } = await server.client.send(
    new StopExecutionCommand({ executionArn, error: 'Enough', cause: 'by hand' }),
  );
  expect(await server.describe(executionArn)).toMatchObject({
    status: 'ABORTED',
    error: 'Enough',
    cause: 'by hand',
    stopDate,
  });
  const last = (await server.history(executionArn)).at(-1);
  expect(last).toMatchObject({
    type: 'ExecutionAborted',
    executionAbortedEventDetails: { error: 'Enough', cause: 'by hand' },
  });
  server.clock.advance(120_000);
  const again = await server.client.send(new StopExecutionCommand({ executionArn, error: 'Again' }));
  expect(again.stopDate).toEqual(stopDate);
  expect(await server.describe(executionArn)).toMatchObject({ status: 'ABORTED', error: 'Enough' });
});

test('GetExecutionHistory pages in both directions, with rising ids that point back', async () => {
  const server = await testServer();
  const execution = (
    await runOnce(
      server,
      { One: { Type: 'Pass', Next: 'Two' }, Two: { Type: 'Pass', Next: 'Done' }, Done: { Type: 'Succeed' } },
      { n: 1 },
    )
  ).executionArn;
  const pages = async (reverseOrder: boolean) => {
    const events: HistoryEvent[] = [];
    for (let nextToken: string | undefined; ; ) {
      const page = await server.client.send(
        new GetExecutionHistoryCommand({ executionArn: execution, reverseOrder, maxResults: 3, nextToken }),
      );
      events.push(...(page.events ?? []));
      nextToken = page.nextToken;
      if (nextToken === undefined) return events;
    }
  };
  const events = await pages(false);
  expect(events.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(events.map(({ previousEventId }) => previousEventId)).toEqual([0, 0, 2, 3, 4, 5, 6, 7]);
  expect(typesOf(events).slice(0, 3)).toEqual(['ExecutionStarted', 'PassStateEntered', 'PassStateExited']);
  expect(events[1]?.stateEnteredEventDetails).toMatchObject({ name: 'One', input: '{"n":1}' });
  expect(events.at(-1)?.executionSucceededEventDetails?.output).toBe('{"n":1}');
  expect(await pages(true)).toEqual(events.toReversed());
});

test('An execution that would pass 25,000 events fails, and the server answers meanwhile', async () => {
  const server = await testServer();
  const executionArn = await server.start(
    await server.machine({ Ahead: { Type: 'Wait', Seconds: 1, Next: 'Count' }, ...counting }),
    { n: 0 },
  );
  server.clock.advance(1_000);
  // Were the machine to keep the server busy, this would be answered once it has failed.
  expect((await server.describe(executionArn)).status).toBe('RUNNING');
  expect(await server.ended(executionArn)).toMatchObject({
    status: 'FAILED',
    error: 'States.Runtime',
    cause: 'The execution reached the maximum number of history events (25000).',
  });
  const { events } = await server.client.send(
    new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 2 }),
  );
  expect(events?.map(({ id, type }) => [id, type])).toEqual([
    [25_000, 'ExecutionFailed'],
    [24_999, expect.stringContaining('State')],
  ]);
});
