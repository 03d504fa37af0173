import { expect, test } from 'vitest';
import type { FunctionHost } from '../../../../emulator/lambda/host.ts';
import { type BatchRules, deliver, type GivenUp } from '../../../../emulator/streams/batch.ts';
import type { LambdaRecord } from '../../../../emulator/streams/record.ts';

const record = (name: string, age = 0): LambdaRecord => ({
  eventID: name,
  eventName: 'INSERT',
  eventVersion: '1.1',
  eventSource: 'aws:dynamodb',
  awsRegion: 'us-east-1',
  eventSourceARN: 'arn',
  dynamodb: {
    ApproximateCreationDateTime: 1_000 - age,
    SequenceNumber: name,
    SizeBytes: 1,
    StreamViewType: 'KEYS_ONLY',
    Keys: {},
  },
});

type Reply = 'ok' | 'error' | { failures: string[] };

/** Delivers the records a, b, c … to a function that answers as told, in turn and at last always `ok`. */
async function delivered(names: string, replies: Reply[], rules: Partial<BatchRules> = {}, ages: number[] = []) {
  const batches: string[] = [];
  const givenUp: (Omit<GivenUp, 'records'> & { names: string })[] = [];
  const functions: Pick<FunctionHost, 'invoke'> = {
    async invoke(_arn, payload) {
      const { Records } = JSON.parse(payload) as { Records: LambdaRecord[] };
      const seen = Records.map(({ eventID }) => eventID).join('');
      const reply = replies[batches.push(seen) - 1] ?? 'ok';
      const requestId = `r${batches.length}`;
      if (reply === 'error') return { requestId, error: { errorType: 'Error', errorMessage: 'no' } };
      const failures = reply === 'ok' ? [] : reply.failures;
      return {
        requestId,
        payload: JSON.stringify({ batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) }),
      };
    },
  };
  await deliver(
    [...names].map((name, index) => record(name, ages[index])),
    { functionArn: 'f', reportsItemFailures: true, bisects: false, maxRetries: 2, maxAgeSeconds: -1, ...rules },
    {
      functions: functions as FunctionHost,
      now: () => 1_000_000,
      pause: async () => {},
      giveUp: async ({ records, ...what }) => {
        givenUp.push({ ...what, names: records.map(({ eventID }) => eventID).join('') });
      },
    },
  );
  return { batches, givenUp };
}

test('a batch that is done is delivered once', async () => {
  expect(await delivered('abc', [])).toEqual({ batches: ['abc'], givenUp: [] });
});

test('a partial failure continues at the first failed record', async () => {
  expect((await delivered('abcd', [{ failures: ['d', 'b'] }])).batches).toEqual(['abcd', 'bcd']);
});

test('without the right to report items the same answer is a success, and an error repeats the whole batch', async () => {
  expect((await delivered('ab', [{ failures: ['b'] }], { reportsItemFailures: false })).batches).toEqual(['ab']);
  expect((await delivered('ab', ['error'])).batches).toEqual(['ab', 'ab']);
});

test('a failure named by something that is not in the batch fails all of it', async () => {
  expect((await delivered('ab', [{ failures: ['z'] }])).batches).toEqual(['ab', 'ab']);
  expect((await delivered('ab', [{ failures: [''] }])).batches).toEqual(['ab', 'ab']);
});

test('after its retries a batch is given up with the last request', async () => {
  expect(await delivered('ab', ['error', { failures: ['b'] }, 'error', 'error'])).toEqual({
    batches: ['ab', 'ab', 'b'],
    givenUp: [{ names: 'b', attempts: 3, condition: 'RetryAttemptsExhausted', requestId: 'r3' }],
  });
});

test('records that became too old are given up', async () => {
  const { batches, givenUp } = await delivered('ab', ['error'], { maxRetries: -1, maxAgeSeconds: 60 }, [61, 0]);
  expect(batches).toEqual(['ab']);
  expect(givenUp).toMatchObject([{ names: 'ab', condition: 'RecordAgeExceeded' }]);
});

test('halving a batch that fails finds the poisoned record', async () => {
  const { batches, givenUp } = await delivered('abcd', ['error', 'ok', 'error', 'error', 'error'], {
    bisects: true,
    maxRetries: 1,
  });
  expect(batches).toEqual(['abcd', 'ab', 'cd', 'c', 'c', 'd']);
  expect(givenUp).toMatchObject([{ names: 'c' }]);
});
