import { beforeAll, describe, expect, test } from 'vitest';
import { functionName, permissions, permissionsOf, resources, templateOf, text } from './synthesised.ts';

type States = Record<
  string,
  Record<string, unknown> & { Type: string; Catch?: { ErrorEquals: string[]; Next: string }[] }
>;

let template: ReturnType<typeof templateOf>;
let machine: ReturnType<typeof resources>[number];
let states: States;
beforeAll(() => {
  template = templateOf();
  const [found] = resources(template, 'AWS::StepFunctions::StateMachine').filter(({ id }) => id.includes('backup'));
  if (!found) throw new Error('There is no workflow of backups');
  machine = found;
  states = JSON.parse(text(machine.properties.DefinitionString)).States;
});

describe('the workflow of backups', () => {
  test('is a Standard one in JSONata; its log tells every step and no data, since that holds task tokens', () => {
    expect(JSON.parse(text(machine.properties.DefinitionString))).toMatchObject({ QueryLanguage: 'JSONata' });
    expect(machine.properties.StateMachineType ?? 'STANDARD').toBe('STANDARD');
    expect(machine.properties.LoggingConfiguration).toMatchObject({ Level: 'ALL', IncludeExecutionData: false });
    expect(machine.properties.TracingConfiguration).toEqual({ Enabled: true });
  });

  test('takes every timeout from its input, and catches both that a worker can miss', () => {
    const input = (field: string) => `{% $states.context.Execution.Input.${field} %}`;
    expect(states['Suspend']?.['TimeoutSeconds']).toBe(input('answerSeconds'));
    expect(states['Offer']?.['TimeoutSeconds']).toBe(input('answerSeconds'));
    expect(states['Run']).toMatchObject({
      HeartbeatSeconds: input('abandonSeconds'),
      TimeoutSeconds: input('runSeconds'),
    });
    const lost = states['Run']?.Catch?.find(({ ErrorEquals }) => ErrorEquals.includes('States.Timeout'));
    expect(lost).toMatchObject({ ErrorEquals: ['States.HeartbeatTimeout', 'States.Timeout'], Next: 'Lose' });
  });

  test('lets no task end it unsettled: whatever is not expected leads to a state that settles', () => {
    for (const [name, { Type, Catch }] of Object.entries(states)) {
      if (Type !== 'Task' || name === 'Fail') continue;
      const last = Catch?.at(-1);
      expect(last?.ErrorEquals, name).toEqual(['States.ALL']);
      expect(['Fail', 'Lose', 'LeftToTheSweep'], name).toContain(last?.Next);
    }
  });

  test('hands its token to the tasks that wait for an answer, and to no other', () => {
    for (const [name, state] of Object.entries(states)) {
      if (state.Type !== 'Task') continue;
      const waits = String(state['Resource']).endsWith('.waitForTaskToken');
      expect(JSON.stringify(state).includes('$states.context.Task.Token'), name).toBe(waits);
      expect(waits, name).toBe(['Suspend', 'Offer', 'Run'].includes(name));
    }
  });

  test('names to its functions the task that each state is for, and may call no other function', () => {
    const tasks = Object.values(states).filter(({ Type }) => Type === 'Task');
    const named = tasks.map((state) => (state['Arguments'] as { Payload: { task: string } }).Payload.task);
    expect(new Set(named).size).toBe(tasks.length);
    const called = Object.values(machine.properties.DefinitionSubstitutions).map((arn) => functionName(template, arn));
    expect(called.sort()).toEqual(['backupcut', 'backuprecords', 'backupwork']);
    const allowed = permissions(template).filter(
      ({ role, action }) => role.includes('backupRole') && action === 'lambda:InvokeFunction',
    );
    expect(allowed.map(({ resource }) => functionName(template, { Ref: /\w+/.exec(resource)?.[0] })).sort()).toEqual(
      called.sort(),
    );
  });

  test('is started and answered only by functions that are no task of it', () => {
    const speaking = permissions(template).filter(
      ({ action, resource }) => action.startsWith('states:') && resource.includes(machine.id),
    );
    expect(new Set(speaking.map(({ role }) => role.replace(/role.*/, '')))).toEqual(
      new Set(['TenureServicebackups', 'TenureServicebackupsweep', 'TenureServiceworkers']),
    );
  });
});

test('tasks that only keep records reach the main table and nothing else of the store', () => {
  const own = permissionsOf(template, 'backuprecords').filter(({ action }) => !/^(logs|xray):/.test(action));
  expect(new Set(own.map(({ action }) => action.split(':')[0]))).toEqual(new Set(['dynamodb']));
  expect(new Set(own.map(({ resource }) => resource)).size).toBe(1);
});

test('polls of workers hold a small function, which reaches records and completes tasks', () => {
  const own = permissionsOf(template, 'workers').filter(({ action }) => !/^(logs|xray):/.test(action));
  expect(new Set(own.map(({ action }) => action.split(':')[0]))).toEqual(new Set(['dynamodb', 'states']));
  expect(own.map(({ action }) => action)).not.toContain('states:StartExecution');
  const [workers] = resources(template, 'AWS::Lambda::Function').filter(({ id }) => id.includes('workers'));
  expect(workers?.properties.MemorySize).toBe(256);
});
