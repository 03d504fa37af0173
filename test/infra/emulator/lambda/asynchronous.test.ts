import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { asynchronousInvoker } from '../../../../emulator/lambda/asynchronous.ts';
import type { FunctionHost } from '../../../../emulator/lambda/host.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** An invoker over a function that fails so many times before it succeeds. */
function invokerOver(failures: number, maxRetries = 2) {
  let calls = 0;
  const sent: { arn: string; record: Record<string, unknown>; sender: string }[] = [];
  const reports: string[] = [];
  const host: Pick<FunctionHost, 'invoke'> = {
    async invoke() {
      calls += 1;
      if (failures < 0) throw new Error('no such function');
      if (calls > failures) return { requestId: `r${calls}`, payload: '{"done":true}' };
      return { requestId: `r${calls}`, error: { errorType: 'Error', errorMessage: 'no' } };
    },
  };
  const invoker = asynchronousInvoker(
    host as FunctionHost,
    () => ({ maxRetries, onFailure: 'arn:failed', onSuccess: 'arn:done' }),
    (arn, record, sender) => sent.push({ arn, record: JSON.parse(record), sender }),
    (line) => reports.push(line),
  );
  return { invoker, sent, reports, calls: () => calls };
}

test('is tried twice more, then told to the destination for failures', async () => {
  const { invoker, sent, calls } = invokerOver(3);
  invoker.invoke('arn:f', '{"n":1}');
  await vi.advanceTimersByTimeAsync(0);
  expect(calls()).toBe(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(calls()).toBe(2);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls()).toBe(3);
  expect(sent).toMatchObject([
    {
      arn: 'arn:failed',
      record: {
        requestContext: { functionArn: 'arn:f:$LATEST', condition: 'RetriesExhausted', approximateInvokeCount: 3 },
        requestPayload: { n: 1 },
        responseContext: { functionError: 'Unhandled' },
        responsePayload: { errorMessage: 'no' },
      },
    },
  ]);
});

test('a success, also a late one, goes to its own destination', async () => {
  const { invoker, sent } = invokerOver(1);
  invoker.invoke('arn:aws:lambda:us-east-1:000000000000:function:f:live', '{}');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toMatchObject([
    {
      sender: 'f',
      arn: 'arn:done',
      record: { requestContext: { condition: 'Success' }, responsePayload: { done: true } },
    },
  ]);
});

test('without retries one failure is enough', async () => {
  const { invoker, sent, calls } = invokerOver(1, 0);
  invoker.invoke('arn:f', '{}');
  await vi.advanceTimersByTimeAsync(60_000);
  expect([calls(), sent.length]).toEqual([1, 1]);
});

test('a stop ends what waits for its retry', async () => {
  const { invoker, sent, calls } = invokerOver(3);
  invoker.invoke('arn:f', '{}');
  await vi.advanceTimersByTimeAsync(10);
  invoker.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([calls(), sent.length]).toEqual([1, 0]);
});

test('a function that cannot be invoked at all is reported', async () => {
  const { invoker, reports } = invokerOver(-1);
  invoker.invoke('arn:f', '{}');
  await vi.advanceTimersByTimeAsync(0);
  expect(reports).toEqual(['function  arn:f: Error: no such function']);
});
