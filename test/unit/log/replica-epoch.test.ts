import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { tableEpoch } from '../../../log/dynamodb/replica-epoch.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

/** A table that answers DescribeTable as `answer` says. */
function describedBy(answer: () => number) {
  let asked = 0;
  const send = async () => {
    asked += 1;
    return { Table: { CreationDateTime: new Date(answer()) } };
  };
  const client = { send } as unknown as DynamoDBDocumentClient;
  return { epoch: tableEpoch(client, 'replica-1'), asked: () => asked };
}

const failing = (name: string) => () => {
  throw Object.assign(new Error(name), { name });
};

test('a table is asked when it was created at first, and then twice a minute', async () => {
  const { epoch, asked } = describedBy(() => 1_000);
  for (let at = 0; at < 5; at += 1) expect(await epoch.current()).toBe(1_000);
  expect(asked()).toBe(1);
  vi.advanceTimersByTime(31_000);
  expect(await epoch.current()).toBe(1_000);
  expect(asked()).toBe(2);
});

test('the known epoch stands while the table cannot be asked, but not against a record that says something else', async () => {
  let answer = () => 1_000;
  const { epoch } = describedBy(() => answer());
  await epoch.current();
  vi.advanceTimersByTime(31_000);
  answer = failing('ThrottlingException');
  expect(await epoch.current()).toBe(1_000);
  expect(await epoch.current(1_000)).toBe(1_000);
  await expect(epoch.current(2_000)).rejects.toThrow('ThrottlingException');
  answer = () => 2_000;
  expect(await epoch.current(2_000)).toBe(2_000);
});

test('the known epoch does not stand for a table that is gone', async () => {
  let answer = () => 1_000;
  const { epoch } = describedBy(() => answer());
  await epoch.current();
  vi.advanceTimersByTime(31_000);
  answer = failing('ResourceNotFoundException');
  await expect(epoch.current()).rejects.toThrow('ResourceNotFoundException');
});
