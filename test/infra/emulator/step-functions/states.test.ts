import { expect, test } from 'vitest';
import { runOnce, testServer, typesOf, until } from './support.ts';

const end = { Type: 'Succeed' };

test('Pass and Succeed shape the output; without Output it is the input', async () => {
  const server = await testServer();
  const shaped = await runOnce(
    server,
    {
      First: {
        Type: 'Pass',
        Output: { doubled: '{% $states.input.n * 2 %}', kept: [1, null, 'text', ''] },
        Next: 'Unchanged',
      },
      Unchanged: { Type: 'Pass', Next: 'Last' },
      Last: { Type: 'Succeed', Output: '{% $merge([$states.input, {"last": true}]) %}' },
    },
    { n: 4 },
  );
  expect(shaped.status).toBe('SUCCEEDED');
  expect(shaped.result).toEqual({ doubled: 8, kept: [1, null, 'text', ''], last: true });
  expect((await runOnce(server, { Only: end }, { n: 4 })).result).toEqual({ n: 4 });
  expect((await runOnce(server, { Only: { Type: 'Succeed', Output: [] } })).result).toEqual([]);
});

test('Choice takes the first rule that is true, with its Output and Assign, else Default', async () => {
  const server = await testServer();
  const machine = await server.machine({
    Size: {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $states.input.n > 100 %}', Next: 'Say', Assign: { size: 'huge' }, Output: { from: 'rule' } },
        { Condition: '{% $states.input.n > 10 %}', Next: 'Say', Assign: { size: 'big' } },
      ],
      Default: 'Say',
      Assign: { size: 'small' },
      Output: { from: 'default' },
    },
    Say: { Type: 'Pass', Output: { size: '{% $size %}', input: '{% $states.input %}' }, End: true },
  });
  const say = async (n: number) => (await server.ended(await server.start(machine, { n }))).result;
  expect(await say(1000)).toEqual({ size: 'huge', input: { from: 'rule' } });
  expect(await say(50)).toEqual({ size: 'big', input: { n: 50 } });
  expect(await say(1)).toEqual({ size: 'small', input: { from: 'default' } });
});

test('A Choice that matches nothing, or whose condition is no boolean, fails the execution by name', async () => {
  const server = await testServer();
  const choice = (Condition: string) => ({
    Pick: { Type: 'Choice', Choices: [{ Condition, Next: 'Done' }] },
    Done: end,
  });
  expect(await runOnce(server, choice('{% $states.input.n = 1 %}'), { n: 2 })).toMatchObject({
    status: 'FAILED',
    error: 'States.NoChoiceMatched',
  });
  const typed = await runOnce(server, choice("{% 'yes' %}"));
  expect(typed.error).toBe('States.QueryEvaluationError');
  expect(typed.cause).toContain("Expected 'boolean', but was 'string'");
});

test('Wait counts seconds, or waits until an instant, and not a moment less', async () => {
  const server = await testServer();
  const machine = await server.machine({
    Seconds: { Type: 'Wait', Seconds: '{% $states.input.seconds %}', Assign: { waited: true }, Next: 'Instant' },
    Instant: { Type: 'Wait', Timestamp: '{% $fromMillis($millis() + 5000) %}', Output: '{% $waited %}', End: true },
  });
  const execution = await server.start(machine, { seconds: 10 });
  const entered = async (name: string) =>
    (await server.history(execution)).find(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === name);
  server.clock.advance(9_999);
  expect((await server.describe(execution)).status).toBe('RUNNING');
  expect(await entered('Instant')).toBeUndefined();
  server.clock.advance(1);
  const second = await until(() => entered('Instant'));
  expect(second.timestamp).toEqual(new Date(server.clock.now()));
  server.clock.advance(5_000);
  expect(await server.ended(execution)).toMatchObject({ status: 'SUCCEEDED', result: true });
});

test('A Wait for an instant that has passed is over at once; one for nonsense fails', async () => {
  const server = await testServer();
  const wait = (Timestamp: string) => ({ Until: { Type: 'Wait', Timestamp, End: true } });
  expect((await runOnce(server, wait('2020-01-01T00:00:00Z'))).status).toBe('SUCCEEDED');
  expect((await runOnce(server, wait("{% 'tomorrow' %}"))).error).toBe('States.QueryEvaluationError');
  expect((await runOnce(server, { Long: { Type: 'Wait', Seconds: '{% -1 %}', End: true } })).error).toBe(
    'States.QueryEvaluationError',
  );
});

test('Fail names its error and cause, which may be expressions or missing', async () => {
  const server = await testServer();
  const stop = {
    Stop: { Type: 'Fail', Error: '{% $states.input.code %}', Cause: "{% 'because of ' & $states.input.code %}" },
  };
  expect(await runOnce(server, stop, { code: 'E7' })).toMatchObject({
    status: 'FAILED',
    error: 'E7',
    cause: 'because of E7',
  });
  const silent = await runOnce(server, { Stop: { Type: 'Fail' } });
  expect(silent.status).toBe('FAILED');
  expect(silent.error).toBeUndefined();
  expect(typesOf(await server.history(silent.executionArn ?? ''))).toEqual([
    'ExecutionStarted',
    'FailStateEntered',
    'ExecutionFailed',
  ]);
});

test('A machine with TimeoutSeconds is TIMED_OUT when its time is over, whatever it waits for', async () => {
  const server = await testServer();
  const machine = await server.machine({ Long: { Type: 'Wait', Seconds: 60, End: true } }, { TimeoutSeconds: 30 });
  const execution = await server.start(machine);
  server.clock.advance(29_999);
  expect((await server.describe(execution)).status).toBe('RUNNING');
  server.clock.advance(1);
  const ended = await server.ended(execution);
  expect(ended.status).toBe('TIMED_OUT');
  expect(ended.error).toBeUndefined();
  const last = (await server.history(execution)).at(-1);
  expect(last).toMatchObject({ type: 'ExecutionTimedOut', executionTimedOutEventDetails: { error: 'States.Timeout' } });
});
