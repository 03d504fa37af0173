import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FunctionHost, hostFunctions } from '../../../../emulator/lambda/host.ts';
import { isolatedInstances, TooManyRequestsError } from '../../../../emulator/lambda/instances.ts';
import { invokeOnceFree } from '../../../../emulator/lambda/patience.ts';

const source = `
import { setTimeout as sleep } from 'node:timers/promises';
let calls = 0, running = 0, ticks = 0;
setInterval(() => ticks++, 10);
export async function handler({ how, ms = 0 }) {
  calls += 1;
  running += 1;
  if (how === 'hang') await new Promise(() => {});
  if (how === 'exit') process.exit(7);
  if (how === 'say') for (let line = 0; line < 100; line += 1) console.log('line ' + line);
  if (how === 'leave') setTimeout(() => console.log('left behind'), 20);
  await sleep(ms);
  running -= 1;
  return { calls, running, ticks };
}`;

let folder: string;
let host: FunctionHost;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isolated-'));
  await writeFile(join(folder, 'index.mjs'), source);
  const hosted = (name: string) => ({
    name,
    arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    file: join(folder, 'index.mjs'),
    exportName: 'handler',
    timeoutMs: 500,
    memoryMiB: 128,
    environment: {},
    logFile: join(folder, `${name}.log`),
  });
  host = hostFunctions([hosted('one'), hosted('other')], () => {}, isolatedInstances(4));
});
afterEach(async () => {
  await host.stop();
  await rm(folder, { recursive: true });
});

async function invoke(event: object, name = 'one') {
  const outcome = await host.invoke(name, JSON.stringify(event));
  return 'payload' in outcome ? JSON.parse(outcome.payload) : outcome.error;
}
const log = () => readFile(join(folder, 'one.log'), 'utf8');

test('invocations at one time get copies of their own, whose modules share nothing', async () => {
  const answers = await Promise.all([1, 2, 3].map(() => invoke({ ms: 200 })));
  expect(answers.map(({ calls, running }) => [calls, running])).toEqual(Array.from({ length: 3 }, () => [1, 0]));
  expect((await invoke({})).calls).toBe(2);
});

test('between invocations a copy stands still, its timers too', async () => {
  await invoke({ how: 'leave' });
  const { ticks } = await invoke({});
  await new Promise((resolve) => setTimeout(resolve, 400));
  const later = await invoke({});
  expect(later.calls).toBe(3);
  // 40 intervals have passed; a thread that thaws catches up with one.
  expect(later.ticks - ticks).toBeLessThan(10);
  await invoke({ ms: 100 });
  expect(await log()).toContain('left behind');
});

test('the output of a function is in its log before it is frozen', async () => {
  await invoke({ how: 'say' });
  expect((await log()).split('\n')).toHaveLength(101);
});

test('the account runs so many at one time, over all functions, and refuses the rest', async () => {
  const running = [...[1, 2].map(() => invoke({ ms: 300 })), ...[1, 2].map(() => invoke({ ms: 300 }, 'other'))];
  await expect(host.invoke('one', '{}')).rejects.toThrow(TooManyRequestsError);
  const pauses: number[] = [];
  const pause = async (ms: number) => {
    pauses.push(ms);
    await Promise.race(running);
  };
  expect(await invokeOnceFree(host, 'one', '{}', pause)).toHaveProperty('payload');
  expect(pauses.length).toBeGreaterThan(0);
  await Promise.all(running);
});

test('a timeout and a crash end one copy, and leave its place free', async () => {
  const calm = invoke({ ms: 300 });
  expect(await Promise.all(['hang', 'exit', 'hang'].map((how) => invoke({ how })))).toMatchObject([
    { errorType: 'Sandbox.Timedout' },
    { errorType: 'Runtime.ExitError' },
    { errorType: 'Sandbox.Timedout' },
  ]);
  expect((await calm).calls).toBe(1);
  expect(await Promise.all([1, 2, 3, 4].map(() => invoke({})))).toHaveLength(4);
});
