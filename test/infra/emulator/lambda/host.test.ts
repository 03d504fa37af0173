import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FunctionHost, hostFunctions } from '../../../../emulator/lambda/host.ts';

const source = `
import { setTimeout as sleep } from 'node:timers/promises';
let calls = 0;
export async function handler({ how, ms = 0, bytes = 0 }, context) {
  const count = ++calls;
  if (how === 'throw') throw new RangeError('too far');
  if (how === 'text') throw 'just text';
  if (how === 'exit') process.exit(7);
  if (how === 'hang') await new Promise(() => setInterval(() => {}, 1000));
  if (how === 'spin') for (;;);
  if (how === 'stray') { Promise.reject(new Error('stray')); await sleep(1000); }
  if (how === 'hoard') { const kept = []; for (;;) kept.push(new Array(1e6).fill(count)); }
  if (how === 'large') return 'x'.repeat(bytes);
  if (how === 'nothing') return undefined;
  if (how === 'say') console.log('said so');
  await sleep(ms);
  return { calls: count, left: context.getRemainingTimeInMillis(), id: context.awsRequestId, name: context.functionName, setting: process.env.SETTING, outside: process.env.HOME };
}`;

let folder: string;
let host: FunctionHost;
const reported: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'host-'));
  await writeFile(join(folder, 'index.mjs'), source);
  await writeFile(join(folder, 'broken.mjs'), `throw new Error('cannot load');`);
  const hosted = (name: string, file: string, memoryMiB = 128) => ({
    name,
    arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    file: join(folder, file),
    exportName: 'handler',
    timeoutMs: memoryMiB < 128 ? 20_000 : 1_000,
    memoryMiB,
    environment: { SETTING: 'given' },
    logFile: join(folder, 'logs', `${name}.log`),
  });
  host = hostFunctions(
    [
      hosted('works', 'index.mjs'),
      hosted('broken', 'broken.mjs'),
      hosted('other', 'index.mjs'),
      hosted('small', 'index.mjs', 32),
    ],
    (line) => reported.push(line),
  );
});
afterAll(async () => {
  await host.stop();
  await rm(folder, { recursive: true });
});

async function invoke(event: object, name = 'works') {
  const outcome = await host.invoke(name, JSON.stringify(event));
  return 'payload' in outcome ? JSON.parse(outcome.payload) : outcome.error;
}

test('a function is loaded once and sees its own environment and context only', async () => {
  const first = await invoke({});
  const second = await invoke({}, 'arn:aws:lambda:us-east-1:000000000000:function:works:live');
  expect([first.calls, second.calls]).toEqual([1, 2]);
  expect(second).toMatchObject({ name: 'works', setting: 'given', id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  expect(second).not.toHaveProperty('outside');
  expect(second.left).toBeGreaterThan(0);
  expect((await invoke({}, 'other')).calls).toBe(1);
  expect(await invoke({ how: 'nothing' })).toBeNull();
});

test('invocations run side by side', async () => {
  const { calls } = await invoke({});
  const answers = await Promise.all(Array.from({ length: 50 }, () => invoke({ ms: 50 })));
  expect(answers.map((answer) => answer.calls).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 50 }, (_, i) => calls + 1 + i),
  );
});

test('an error thrown by a handler is an outcome', async () => {
  expect(await invoke({ how: 'throw' })).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
  expect(await invoke({ how: 'text' })).toMatchObject({ errorMessage: 'just text' });
  expect(reported.at(-2)).toContain('works failed: RangeError: too far');
});

test.each([
  ['exit', { errorType: 'Runtime.ExitError', errorMessage: 'Runtime exited with code 7' }],
  ['stray', { errorType: 'Error', errorMessage: 'stray' }],
])('a crash (%s) ends what runs in the thread, and the next invocation gets a new one', async (how, error) => {
  await invoke({});
  const [crashed, beside] = await Promise.all([invoke({ how }), invoke({ ms: 390 })]);
  expect(crashed).toMatchObject(error);
  expect(beside).toMatchObject(error);
  expect((await invoke({})).calls).toBe(1);
});

test('a function that takes more memory than it has is ended alone', async () => {
  expect(await invoke({ how: 'hoard' }, 'small')).toMatchObject({
    errorType: 'Runtime.OutOfMemory',
    errorMessage: 'Memory above 32 MiB',
  });
  expect((await invoke({}, 'small')).calls).toBe(1);
});

test('a timeout ends one invocation; others in the thread finish, the next starts afresh', async () => {
  const { calls } = await invoke({});
  const hanging = invoke({ how: 'hang' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const beside = invoke({ ms: 700 });
  expect(await hanging).toMatchObject({
    errorType: 'Sandbox.Timedout',
    errorMessage: expect.stringContaining('Task timed out after 1.00 seconds'),
  });
  expect((await invoke({})).calls).toBe(1);
  expect((await beside).calls).toBe(calls + 2);
});

test('a function that blocks its thread is ended all the same', async () => {
  const [spinning, queued] = await Promise.all([invoke({ how: 'spin' }), invoke({})]);
  expect(spinning).toMatchObject({ errorType: 'Sandbox.Timedout' });
  expect(queued).toMatchObject({ errorType: 'Sandbox.Timedout' });
  expect((await invoke({})).calls).toBe(1);
});

test('a bundle that does not load says why at each invocation', async () => {
  expect(await invoke({}, 'broken')).toMatchObject({ errorMessage: 'cannot load' });
  expect(await invoke({}, 'broken')).toMatchObject({ errorMessage: 'cannot load' });
});

test('Lambda limits hold for both payloads', async () => {
  await expect(host.invoke('works', 'x'.repeat(6_291_457))).rejects.toThrow('has 6291457 bytes, Lambda takes 6291456');
  expect(await invoke({ how: 'large', bytes: 6_291_554 })).toHaveLength(6_291_554);
  expect(await invoke({ how: 'large', bytes: 6_291_555 })).toMatchObject({
    errorType: 'Function.ResponseSizeTooLarge',
  });
});

test('an unknown function is named, with those there are', async () => {
  await expect(host.invoke('nobody', '{}')).rejects.toThrow(
    'No function nobody: the template has works, broken, other, small',
  );
});

test('the output of a function is in its log', async () => {
  await invoke({ how: 'say' });
  await vi.waitFor(async () => expect(await readFile(join(folder, 'logs', 'works.log'), 'utf8')).toContain('said so'));
});
