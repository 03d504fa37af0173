import { appendFile, cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeStateMachineCommand, SendTaskHeartbeatCommand, SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import {
  callbackTask,
  errorNamed,
  invoke,
  type ManualClock,
  manualClock,
  type Options,
  testServer,
  typesOf,
  until,
} from './support.ts';

let folder: string;
let clock: ManualClock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'step-functions-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  clock = manualClock();
});

const kept = (more: Options = {}) => testServer({ folder, clock, ...more });
const graph = (states: Record<string, object>) => ({ StartAt: Object.keys(states)[0], States: states });
const work = (more: object = {}) => ({
  Type: 'Task',
  Resource: invoke,
  Arguments: { FunctionName: 'work', Payload: '{% $states.input %}' },
  End: true,
  ...more,
});

test('State machines, ended executions and their histories are as they were', async () => {
  const before = await kept();
  const machine = await before.machine({ Say: { Type: 'Pass', Output: 'said', End: true } });
  const execution = await before.start(machine, { n: 1 }, 'once');
  const described = await before.ended(execution);
  const events = await before.history(execution);
  await before.stop();
  const after = await kept();
  expect((await after.client.send(new DescribeStateMachineCommand({ stateMachineArn: machine }))).status).toBe(
    'ACTIVE',
  );
  const strip = (ended: object) => ({ ...ended, $metadata: undefined });
  expect(strip(await after.ended(execution))).toEqual(strip(described));
  expect(await after.history(execution)).toEqual(events);
  await expect(after.start(machine, { n: 1 }, 'once')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
});

test('A Wait keeps its instant, and ends at once if that has passed meanwhile', async () => {
  const before = await kept();
  const machine = await before.machine({ Wait: { Type: 'Wait', Seconds: '{% $states.input %}', End: true } });
  const short = await before.start(machine, 10);
  const long = await before.start(machine, 20);
  clock.advance(5_000);
  await before.stop();
  clock.advance(10_000);
  const after = await kept();
  expect((await after.ended(short)).status).toBe('SUCCEEDED');
  expect((await after.describe(long)).status).toBe('RUNNING');
  clock.advance(4_999);
  expect((await after.describe(long)).status).toBe('RUNNING');
  clock.advance(1);
  expect((await after.ended(long)).status).toBe('SUCCEEDED');
});

test('A token from before the restart is good, is not sent out again, and its heartbeat deadline stands', async () => {
  const before = await kept();
  const machine = await before.machine({ Ask: callbackTask({ HeartbeatSeconds: 10 }) });
  const [alive, dead] = [await before.start(machine), await before.start(machine)];
  const token = await before.token(1);
  await before.token(2);
  await until(
    async () =>
      typesOf(await before.history(dead)).includes('TaskSubmitted') &&
      typesOf(await before.history(alive)).includes('TaskSubmitted'),
  );
  clock.advance(6_000);
  await before.client.send(new SendTaskHeartbeatCommand({ taskToken: before.calls[0]?.payload.token }));
  await before.stop();
  const after = await kept();
  clock.advance(4_000);
  expect((await after.ended(dead)).error).toBe('States.Timeout');
  clock.advance(5_999);
  await after.client.send(new SendTaskSuccessCommand({ taskToken: token, output: '"kept"' }));
  expect((await after.ended(alive)).result).toBe('kept');
  expect(after.calls).toEqual([]);
});

test('A function that was being invoked at the stop is invoked again; its first answer no longer counts', async () => {
  let answerFirst: (value: unknown) => void = () => {};
  const before = await kept({
    handler: () =>
      new Promise((resolve) => {
        answerFirst = resolve;
      }),
  });
  const execution = await before.start(
    await before.machine({ Work: work({ Output: '{% $states.result.Payload %}' }) }),
    { n: 1 },
  );
  await until(async () => before.calls.length === 1);
  await before.stop();
  answerFirst('first');
  const after = await kept({ handler: () => 'second' });
  expect((await after.ended(execution)).result).toBe('second');
  expect(after.calls).toEqual(before.calls);
  expect(typesOf(await after.history(execution)).filter((type) => type === 'TaskScheduled')).toHaveLength(1);
});

test('A retry keeps its backoff and its count', async () => {
  const handler = () => {
    throw errorNamed('Flaky');
  };
  const before = await kept({ handler });
  const Retry = [{ ErrorEquals: ['Flaky'], IntervalSeconds: 10, MaxAttempts: 1 }];
  const execution = await before.start(await before.machine({ Work: work({ Retry }) }));
  await until(async () => typesOf(await before.history(execution)).includes('TaskFailed'));
  await before.stop();
  const after = await kept({ handler });
  clock.advance(9_999);
  expect(after.calls).toEqual([]);
  clock.advance(1);
  expect((await after.ended(execution)).error).toBe('Flaky');
  expect(after.calls).toHaveLength(1);
});

test('A Map in a Parallel continues where it was: what is done is not done again', async () => {
  const before = await kept({ handler: ({ payload }) => (payload < 3 ? payload * 10 : new Promise(() => {})) });
  const each = {
    Each: {
      Type: 'Map',
      Items: [1, 2, 3, 4, 5],
      MaxConcurrency: 2,
      ItemProcessor: graph({ Work: work({ Output: '{% $states.result.Payload + $add %}' }) }),
      End: true,
    },
  };
  const states = {
    Set: { Type: 'Pass', Assign: { add: 1 }, Next: 'Both' },
    Both: {
      Type: 'Parallel',
      Branches: [graph(each), graph({ Wait: { Type: 'Wait', Seconds: 30, End: true } })],
      End: true,
    },
  };
  const execution = await before.start(await before.machine(states), 'input');
  await until(async () => before.calls.length === 4);
  await before.stop();
  const after = await kept({ handler: ({ payload }) => payload * 10 });
  clock.advance(30_000);
  expect((await after.ended(execution)).result).toEqual([[11, 21, 31, 41, 51], 'input']);
  expect(after.calls.map(({ payload }) => payload).toSorted()).toEqual([3, 4, 5]);
  const ids = (await after.history(execution)).map(({ id }) => id);
  expect(ids).toEqual(ids.map((_, index) => index + 1));
});

test('Events that a crash left without their execution are not part of the history', async () => {
  const before = await kept();
  const execution = await before.start(await before.machine({ Ask: callbackTask() }));
  const token = await before.token(1);
  await until(async () => typesOf(await before.history(execution)).includes('TaskSubmitted'));
  const events = await before.history(execution);
  await before.stop();
  for (const name of await readdir(join(folder, 'executions'))) {
    if (name.endsWith('.ndjson'))
      await appendFile(
        join(folder, 'executions', name),
        `{"id":${events.length + 1},"type":"TaskSucceeded"}\n{"id":7,"ty`,
      );
  }
  const after = await kept();
  expect(await after.history(execution)).toEqual(events);
  await after.client.send(new SendTaskSuccessCommand({ taskToken: token, output: '1' }));
  await after.ended(execution);
  expect((await after.history(execution)).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('Wherever it is killed, it ends as if nothing had happened', async () => {
  const backups = await mkdtemp(join(tmpdir(), 'step-functions-'));
  onTestFinished(() => rm(backups, { recursive: true }));
  const copies: string[] = [];
  const before = await kept({
    handler: async ({ payload }) => {
      // As a kill finds it: the events may be ahead of the execution, so they are copied last.
      const copy = join(backups, String(copies.length));
      copies.push(copy);
      for (const ending of ['state-machines.json', 'token-key', '.json', '.ndjson']) {
        const filter = (path: string) => path.endsWith(ending) || !/\.\w+$/.test(path);
        await cp(folder, copy, { recursive: true, filter });
      }
      return payload + 1;
    },
  });
  const states = {
    Work: work({ Output: '{% $states.result.Payload %}', Next: 'Enough', End: undefined }),
    Enough: { Type: 'Choice', Choices: [{ Condition: '{% $states.input < 8 %}', Next: 'Work' }], Default: 'Done' },
    Done: { Type: 'Succeed' },
  };
  const execution = await before.start(await before.machine(states), 0);
  expect((await before.ended(execution)).result).toBe(8);
  expect(copies).toHaveLength(8);
  for (const [done, copy] of copies.entries()) {
    const after = await testServer({ folder: copy, clock, handler: ({ payload }) => payload + 1 });
    expect((await after.ended(execution)).result).toBe(8);
    expect(after.calls[0]?.payload).toBe(done);
    expect(typesOf(await after.history(execution))).toEqual(typesOf(await before.history(execution)));
    await after.stop();
  }
});

test('An ended execution is forgotten after 90 days', async () => {
  const before = await kept();
  const machine = await before.machine({ Done: { Type: 'Succeed' } });
  const old = await before.start(machine);
  await before.ended(old);
  clock.advance(50 * 24 * 3600_000);
  const young = await before.start(machine);
  await before.ended(young);
  await before.stop();
  clock.advance(50 * 24 * 3600_000);
  const after = await kept();
  expect((await after.describe(young)).status).toBe('SUCCEEDED');
  await expect(after.describe(old)).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
  expect(await readdir(join(folder, 'executions'))).toHaveLength(2);
});
