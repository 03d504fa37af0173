import { GetExecutionHistoryCommand, type HistoryEvent, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { type Handler, testServer } from '../emulator/step-functions/support.ts';
import { resources, templateOf, text } from './synthesised.ts';

const input = { group: 'orders', log: 'journal', replica: '2', key: 'k', force: false, plan: null };

function states(): Record<string, object> {
  const found = resources(templateOf(), 'AWS::StepFunctions::StateMachine').find(({ id }) => id.includes('recover'));
  const definition = text(found?.properties.DefinitionString).replaceAll('${AWS::' + 'Partition}', 'aws');
  return JSON.parse(definition).States;
}

/**
 * Runs the deployed workflow with these functions until it has started the next execution; returns that one's input,
 * and the history.
 */
async function untilAnew(handler: Handler) {
  const server = await testServer({ handler: (call, nth) => (stopped ? new Promise(() => {}) : handler(call, nth)) });
  let stopped = false;
  const machine = await server.machine(states());
  const first = await server.start(machine, input);
  let status: string | undefined;
  while (status !== 'SUCCEEDED') {
    server.clock.advance(20_000);
    ({ status } = await server.describe(first));
    expect(['RUNNING', 'SUCCEEDED']).toContain(status);
  }
  stopped = true;
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await server.client.send(
      new GetExecutionHistoryCommand({ executionArn: first, maxResults: 1_000, nextToken }),
    );
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken);
  const { executions = [] } = await server.client.send(new ListExecutionsCommand({ stateMachineArn: machine }));
  const next = executions.find(({ executionArn }) => executionArn !== first);
  const described = await server.describe(next?.executionArn ?? '');
  return {
    events: events.length,
    name: next?.name,
    input: JSON.parse(described.input ?? ''),
    calls: server.calls.length,
  };
}

test('a recovery that waits for a quorum for ever continues in another execution before its history is full', async () => {
  const anew = await untilAnew(() => ({ next: 'wait', reason: 'only 1 of 2 needed replicas vote' }));
  expect(anew.calls).toBeGreaterThan(200);
  expect(anew.events).toBeLessThan(20_000);
  expect(anew.name).toMatch(/^k-/);
  expect(anew.input).toEqual(input);
});

test('one that learns for ever continues with the rest', async () => {
  const ranges = Array.from({ length: 8 }, (_, at) => ({ from: at * 1_000, to: at * 1_000 + 999, fillTo: 9_999 }));
  const plan = { incarnation: 'one', ranges };
  const anew = await untilAnew(({ payload }) =>
    'range' in payload
      ? { next: 'again', range: { ...payload.range, from: payload.range.from + 1 } }
      : { next: 'catchUp', plan },
  );
  expect(anew.events).toBeLessThan(20_000);
  expect(anew.input).toMatchObject({ key: 'k', plan: { incarnation: 'one' } });
  const left: { from: number; to: number }[] = anew.input.plan.ranges;
  expect(left.map(({ to }) => to)).toEqual(ranges.map(({ to }) => to));
  for (const [at, { from }] of left.entries()) expect(from).toBeGreaterThan((ranges[at]?.from ?? 0) + 50);
});
