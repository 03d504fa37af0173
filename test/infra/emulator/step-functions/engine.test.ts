import { expect, onTestFinished, test, vi } from 'vitest';
import { Engine } from '../../../../emulator/step-functions/engine.ts';
import { createEvaluator } from '../../../../emulator/step-functions/expressions.ts';
import type { Execution, InvokeResult } from '../../../../emulator/step-functions/model.ts';
import { memoryStore, type Store } from '../../../../emulator/step-functions/store.ts';
import { invoke, manualClock } from './support.ts';

const arn = 'arn:aws:states:us-east-1:000000000000:execution:machine:one';

function execution(states: Record<string, object>): Execution {
  return {
    arn,
    name: 'one',
    machineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:machine',
    machineName: 'machine',
    roleArn: '',
    definition: JSON.stringify({ StartAt: Object.keys(states)[0], States: states }),
    input: '{}',
    status: 'RUNNING',
    startedAt: 0,
    eventCount: 0,
    threadCount: 0,
    threads: {},
  };
}

/** An engine whose store does `save` first, and whose functions answer `answer`. */
function engineWith(save: () => Promise<void>, answer: () => Promise<InvokeResult>) {
  const clock = manualClock();
  const inner = memoryStore();
  const store: Store = {
    ...inner,
    async save(...what) {
      await save();
      await inner.save(...what);
    },
  };
  const now = () => clock.now();
  const world = { now, random: () => 0, evaluate: createEvaluator(now, () => 0), newToken: () => 'token' };
  const calls = { invoke: vi.fn(answer), startExecution: () => Promise.reject(new Error('not in this test')) };
  const engine = new Engine(store, clock, world, calls);
  onTestFinished(() => engine.stop());
  return { engine, calls };
}

const work = { Work: { Type: 'Task', Resource: invoke, Arguments: { FunctionName: 'work' }, End: true } };

test('A function is not called, and an end is not seen, before it is written down', async () => {
  const saves: (() => void)[] = [];
  const save = () => new Promise<void>((resolve) => saves.push(resolve));
  const { engine, calls } = engineWith(save, async () => ({ payload: 1 }));
  const begun = engine.begin(execution(work));
  await vi.waitUntil(() => saves.length === 1);
  expect(calls.invoke).not.toHaveBeenCalled();
  saves[0]?.();
  await begun;
  expect(calls.invoke).toHaveBeenCalledTimes(1);
  await vi.waitUntil(() => saves.length === 2);
  expect(engine.executions.get(arn)?.status).toBe('RUNNING');
  saves[1]?.();
  await vi.waitUntil(() => engine.executions.get(arn)?.status === 'SUCCEEDED');
  expect(calls.invoke).toHaveBeenCalledTimes(1);
});

test('Who gave an input is told when it could not be written down', async () => {
  const { engine, calls } = engineWith(
    () => Promise.reject(new Error('no space left')),
    async () => ({ payload: 1 }),
  );
  await expect(engine.begin(execution(work))).rejects.toThrow('no space left');
  expect(calls.invoke).not.toHaveBeenCalled();
});

test('Stopping waits for no function, but tells it, and takes no further input', async () => {
  const { engine, calls } = engineWith(
    async () => {},
    () => new Promise(() => {}),
  );
  await engine.begin(execution(work));
  await engine.stop();
  const [, , signal] = calls.invoke.mock.lastCall as unknown as [string, object, AbortSignal];
  expect(signal.aborted).toBe(true);
  await expect(engine.apply(arn, () => {})).rejects.toThrow('stopping');
});
