import { expect, test } from 'vitest';
import { StepFunctionsRecovery } from '../../../functions/log/lambda/workflow-client.ts';
import type { RecoveryInput } from '../../../log/recovery-workflow.ts';
import { testServer, until } from '../../infra/emulator/step-functions/support.ts';

const input = (replica: string, force = false): Omit<RecoveryInput, 'key'> => {
  return { group: 'orders', log: 'journal', replica, force, plan: null };
};

/** A state machine that only waits, and the port to it. */
async function waiting() {
  const server = await testServer();
  const machine = await server.machine({
    Wait: { Type: 'Wait', Seconds: 60, Next: 'Done' },
    Done: { Type: 'Succeed' },
  });
  const statusOf = async (executionId: string) =>
    (await server.describe(`${machine.replace('stateMachine', 'execution')}:${executionId}`)).status;
  const workflow = new StepFunctionsRecovery(server.client, machine, { now: () => server.clock.now() });
  return { workflow, server, machine, statusOf };
}

test('one execution works on a replica, unless another is forced; when it has ended, there is another', async () => {
  const { workflow, server, statusOf } = await waiting();
  const first = await workflow.start(input('1'));
  expect(await workflow.start(input('1'))).toEqual(first);
  const other = await workflow.start(input('2'));
  const forced = await workflow.start(input('1', true));
  expect(new Set([first, other, forced].map(({ executionId }) => executionId)).size).toBe(3);
  server.clock.advance(60_000);
  await until(async () => (await statusOf(first.executionId)) === 'SUCCEEDED');
  expect(await workflow.start(input('1'))).not.toEqual(first);
});

test('is named after the log, the replica and its life: once a minute, unless an operator asks for it', async () => {
  const { workflow, statusOf, server } = await waiting();
  const [first, again] = await Promise.all([1, 2].map(() => workflow.start({ ...input('1'), life: 'first' })));
  expect(again).toEqual(first);
  expect(first?.executionId).toMatch(/^[0-9a-f]{32}-first-[0-9a-z]+$/);
  await workflow.stop(input('1'));
  expect(await workflow.start({ ...input('1'), life: 'first' })).toEqual(first);
  expect(await statusOf(`${first?.executionId}`)).toBe('ABORTED');
  const other = await workflow.start({ ...input('1'), life: 'second' });
  expect(await statusOf(other.executionId)).toBe('RUNNING');
  await workflow.stop(input('1'));
  server.clock.advance(1);
  const asked = await workflow.start({ ...input('1'), life: 'second', asked: true });
  expect(await statusOf(asked.executionId)).toBe('RUNNING');
});

test('stops all executions of a replica, and no others', async () => {
  const { workflow, statusOf } = await waiting();
  const first = await workflow.start(input('1'));
  const forced = await workflow.start(input('1', true));
  const other = await workflow.start(input('2'));
  const stopped = await workflow.stop(input('1'));
  expect(stopped.toSorted()).toEqual([first.executionId, forced.executionId].toSorted());
  expect(await statusOf(first.executionId)).toBe('ABORTED');
  expect(await statusOf(forced.executionId)).toBe('ABORTED');
  expect(await statusOf(other.executionId)).toBe('RUNNING');
  expect(await workflow.stop(input('1'))).toEqual([]);
});

test('stops what an execution starts while it is being stopped', async () => {
  const { workflow, server, machine, statusOf } = await waiting();
  const first = await workflow.start(input('1'));
  let next: string | undefined;
  server.client.middlewareStack.add(
    (send, { commandName }) =>
      async (args) => {
        const answer = await send(args);
        if (commandName === 'ListExecutionsCommand' && next === undefined) {
          next = `${first.executionId}-next`;
          await server.start(machine, {}, next);
        }
        return answer;
      },
    { step: 'initialize' },
  );
  expect(await workflow.stop(input('1'))).toEqual([first.executionId, `${first.executionId}-next`]);
  expect(await statusOf(`${next}`)).toBe('ABORTED');
});
