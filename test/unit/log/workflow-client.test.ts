import type { SFNClient } from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { StepFunctionsRecovery } from '../../../functions/log/lambda/workflow-client.ts';

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: { readonly name?: string };
}

/** A state machine that remembers what was asked of it; what it starts keeps running. */
function machine() {
  const asked: string[] = [];
  const running: { name: string }[] = [];
  const send = async ({ constructor: { name: kind }, input }: Command) => {
    asked.push(kind);
    if (kind === 'StartExecutionCommand') running.push({ name: input.name ?? '' });
    return { executions: [...running] };
  };
  return { asked, client: { send } as unknown as SFNClient };
}

const recovery = (replica: string) => ({ group: 'orders', log: 'journal', replica, force: false, plan: null });
const looks = (asked: string[]) => asked.filter((kind) => kind === 'ListExecutionsCommand').length;

test('a sweep looks once for all the replicas that it starts; the next one looks again', async () => {
  const { asked, client } = machine();
  let now = 0;
  const workflow = new StepFunctionsRecovery(client, 'arn', { looksLastMs: 30_000, now: () => now });
  await Promise.all(Array.from({ length: 50 }, (_, at) => workflow.start(recovery(String(at)))));
  expect(looks(asked)).toBe(1);
  now = 60_000;
  const { executionId } = await workflow.start(recovery('7'));
  expect(looks(asked)).toBe(2);
  expect(await workflow.start(recovery('7'))).toEqual({ executionId });
  expect(asked.filter((kind) => kind === 'StartExecutionCommand')).toHaveLength(50);
});

test('where nothing is said, each start looks for itself', async () => {
  const { asked, client } = machine();
  const workflow = new StepFunctionsRecovery(client, 'arn');
  const first = await workflow.start(recovery('1'));
  expect(await workflow.start(recovery('1'))).toEqual(first);
  expect(looks(asked)).toBe(2);
});

test('a look that failed is not remembered', async () => {
  const { asked, client } = machine();
  let broken = true;
  const failing = {
    send: async (command: Command) => {
      if (broken) throw new Error('throttled');
      return client.send(command as never);
    },
  } as unknown as SFNClient;
  const workflow = new StepFunctionsRecovery(failing, 'arn', { looksLastMs: 30_000 });
  await expect(workflow.start(recovery('1'))).rejects.toThrow('throttled');
  broken = false;
  await workflow.start(recovery('1'));
  expect(looks(asked)).toBe(1);
});
