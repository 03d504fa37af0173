/** How long what nobody waits for is tried again, from the definitions: ten minutes of throttling end nothing. */
import { beforeAll, expect, test } from 'vitest';
import { resources, templateOf, text } from './synthesised.ts';

interface Retry {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  MaxAttempts?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: 'FULL';
}

interface State {
  Type: string;
  Retry?: Retry[];
  Catch?: unknown[];
  ItemProcessor?: { States: Record<string, State> };
}

let template: ReturnType<typeof templateOf>;
let tasks: [name: string, state: State][];
beforeAll(() => {
  template = templateOf();
  const flat = (states: Record<string, State>): [string, State][] =>
    Object.entries(states).flatMap(([name, state]) => [[name, state], ...flat(state.ItemProcessor?.States ?? {})]);
  tasks = resources(template, 'AWS::StepFunctions::StateMachine')
    .flatMap(({ properties }) => flat(JSON.parse(text(properties.DefinitionString)).States))
    .filter(([, { Type }]) => Type === 'Task');
  expect(tasks.length).toBeGreaterThan(12);
});

/** Seconds of pauses before it is given up, of 999 in 1,000 executions. */
function shortest({ IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2, MaxDelaySeconds, JitterStrategy }: Retry) {
  const pauses = Array.from({ length: MaxAttempts }, (_, at) =>
    Math.min(IntervalSeconds * BackoffRate ** at, MaxDelaySeconds ?? Number.POSITIVE_INFINITY),
  );
  const whole = pauses.reduce((sum, one) => sum + one, 0);
  if (JitterStrategy !== 'FULL') return whole;
  // Each is drawn evenly from 0 to its length.
  const variance = pauses.reduce((sum, one) => sum + one ** 2 / 12, 0);
  return whole / 2 - 3.1 * Math.sqrt(variance);
}

const retryOf = ({ Retry = [] }: State, error: string) =>
  Retry.find(({ ErrorEquals }) => ErrorEquals.includes(error) || ErrorEquals.includes('States.ALL'));

/** The next round or pass of the recovery, minutes later, tries what these could not. */
const triedByTheNextRound = ['Round', 'Slice'];

test.each([
  'UnavailableError',
  'Lambda.TooManyRequestsException',
  'Lambda.ClientExecutionTimeoutException',
  'Sandbox.Timedout',
])('%s is tried again for more than ten minutes by every task', (error) => {
  const hasty = tasks
    .filter(([name, state]) => !(triedByTheNextRound.includes(name) && state.Catch))
    .map(([name, state]) => [name, Math.floor(shortest(retryOf(state, error) ?? { ErrorEquals: [], MaxAttempts: 0 }))])
    .filter(([, seconds]) => Number(seconds) < 600);
  expect(hasty).toEqual([]);
});

test('functions that nobody waits for try each request to a store eight times, the others three times', () => {
  const tries = resources(template, 'AWS::Lambda::Function').map(({ id, properties }) => {
    const name = id.replace('TenureService', '').replace(/[0-9A-F]{8}$/, '');
    return [name, properties.Environment.Variables.TENURE_STORE_TRIES ?? '3'];
  });
  const patient = tries.filter(([, count]) => count === '8').map(([name]) => name);
  expect(patient.toSorted()).toEqual([
    'backupcut',
    'backuprecords',
    'backupsweep',
    'backupwork',
    'events',
    'logsweep',
    'minute',
    'recover',
    'restorestep',
  ]);
});
