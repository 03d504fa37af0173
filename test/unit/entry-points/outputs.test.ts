/**
 * Executions that a deployment meets continue by the definition with which they began: it has to find its way by what
 * the functions of this version return. The types hold the outputs here to those of the functions, one for each `next`.
 */
import { describe, expect, test } from 'vitest';
import { createEvaluator } from '../../../emulator/step-functions/expressions.ts';
import type { Json, JsonObject } from '../../../emulator/step-functions/model.ts';
import type { handler as backupCut } from '../../../functions/entry-points/backup-cut.ts';
import type { handler as backupRecords } from '../../../functions/entry-points/backup-records.ts';
import type { handler as backupWork } from '../../../functions/entry-points/backup-work.ts';
import type { handler as recover } from '../../../functions/entry-points/recover.ts';
import type { handler as restoreStep } from '../../../functions/entry-points/restore-step.ts';
import { definitions } from '../../infra/cdk/definitions.ts';
import before from './recorded-definitions.json' with { type: 'json' };

type Result<Handler extends { tasks: object }, Name extends keyof Handler['tasks']> = Handler['tasks'][Name] extends (
  ...given: never[]
) => Promise<infer Output>
  ? Output
  : never;

/** For each value of `next`: an output with it, and the state to which it leads. */
type Outputs<Output extends { next: string }> = {
  readonly [Next in Output['next']]: readonly [output: Output & { next: Next }, leadsTo: string];
};

const range = { from: 0, to: 511, fillTo: 511 };

const choose: Outputs<Result<typeof backupRecords, 'choose'>> = {
  suspend: [{ next: 'suspend', attempt: 1 }, 'Suspend'],
  cut: [{ next: 'cut', attempt: 2 }, 'Cut'],
  ended: [{ next: 'ended', attempt: 2 }, 'CleanUp'],
};
const lose: Outputs<Result<typeof backupRecords, 'lose'>> = {
  verify: [{ next: 'verify' }, 'Verify'],
  choose: [{ next: 'choose' }, 'Choose'],
  ended: [{ next: 'ended' }, 'CleanUp'],
};
const cut: Outputs<Result<typeof backupCut, 'cut'>> = {
  offer: [{ next: 'offer', builtIn: false }, 'Offer'],
  work: [{ next: 'work', builtIn: true }, 'Work'],
  again: [{ next: 'again', builtIn: true }, 'LogsSettle'],
  ended: [{ next: 'ended', builtIn: false }, 'CleanUp'],
};
const work: Outputs<Result<typeof backupWork, 'work'>> = {
  again: [{ next: 'again' }, 'Work'],
  verify: [{ next: 'verify' }, 'Verify'],
};
const verify: Outputs<Result<typeof backupWork, 'verify'>> = {
  again: [{ next: 'again', cursor: 'logs/journal/1' }, 'Verify'],
  ended: [{ next: 'ended', cursor: '' }, 'CleanUp'],
};
const step: Outputs<Result<typeof restoreStep, 'step'> & { next: 'again' | 'over' }> = {
  again: [{ next: 'again', patience: 2 }, 'Step'],
  over: [{ next: 'over', patience: 1 }, 'Done'],
};
const round: Outputs<Result<typeof recover, 'round'>> = {
  done: [{ next: 'done' }, 'Done'],
  wait: [{ next: 'wait', why: 'quorum', reason: 'Too few replicas answer' }, 'Tired?'],
  catchUp: [{ next: 'catchUp', plan: { incarnation: '0f0e', ranges: [range] } }, 'Plan'],
};
const catchUp: Outputs<Result<typeof recover, 'catchUp'>> = {
  again: [{ next: 'again', range, learned: 3 }, 'Slice'],
  stuck: [{ next: 'stuck', range, learned: 0 }, 'Left'],
  done: [{ next: 'done', range, learned: 512 }, 'Left'],
};

const recorded = Object.entries({
  'backup Choose': choose,
  'backup Lose': lose,
  'backup Cut': cut,
  'backup Work': work,
  'backup Verify': verify,
  'restore Step': step,
  'recoverreplica Round': round,
  'recoverreplica Slice': catchUp,
}).flatMap(([where, outputs]) =>
  Object.values<readonly [object, string]>(outputs).map(([output, leadsTo]) => {
    const [machine = '', state = ''] = where.split(' ');
    return { machine, state, output: output as JsonObject, leadsTo };
  }),
);

const evaluate = createEvaluator(
  () => 0,
  () => 0.5,
);
/** Those that choices compare; an execution has assigned them before. */
const variables = { rounds: 0, slices: 0, passes: 0 };

/** The state behind a task that returns this, past the Choice. */
async function behind(states: Record<string, JsonObject>, name: string, Payload: Json): Promise<string> {
  const { Assign = {}, Output = null, Next } = states[name] as { Assign?: Json; Output?: Json; Next: string };
  const result = { states: { result: { Payload } }, ...variables };
  const assigned = await evaluate(Assign, result, 'Assign');
  const input = await evaluate(Output, result, 'Output');
  const next = states[Next] as { Type: string; Choices?: { Condition: string; Next: string }[]; Default?: string };
  if (next.Type !== 'Choice') return Next;
  for (const { Condition, Next: chosen } of next.Choices ?? []) {
    const bindings = { ...result, ...(assigned as JsonObject), states: { input } };
    if ((await evaluate(Condition, bindings, 'Condition')) === true) return chosen;
  }
  return next.Default ?? '';
}

describe.each([
  ['the version before', before as Record<string, Record<string, object>>],
  ['this version', definitions()],
])('by the definitions of %s', (_version, machines) => {
  test.each(recorded)(
    '$machine: $output behind $state leads to $leadsTo',
    async ({ machine, state, output, leadsTo }) => {
      expect(await behind(machines[machine] as Record<string, JsonObject>, state, output)).toBe(leadsTo);
    },
  );

  test('each state that reads a result has its outputs here', () => {
    const reading = Object.entries(machines).flatMap(([machine, states]) =>
      Object.entries(states)
        .filter(([, { Next, Resource, ...state }]: [string, { Next?: string; Resource?: string }]) => {
          const next = states[Next ?? ''] as { Choices?: unknown } | undefined;
          const choosing = JSON.stringify(next?.Choices ?? '').includes('$states.input.next');
          return Resource?.endsWith(':lambda:invoke') && (choosing || /result\.Payload\./.test(JSON.stringify(state)));
        })
        .map(([name]) => `${machine} ${name}`),
    );
    expect(reading.toSorted()).toEqual([...new Set(recorded.map((one) => `${one.machine} ${one.state}`))].toSorted());
  });

  test('a worker that has pinned its position hands it on', async () => {
    const { Assign } = (machines['backup'] as Record<string, { Assign?: Json }>)['Suspend'] ?? {};
    const bindings = { states: { result: { position: { journal: 41 } } } };
    expect(await evaluate(Assign ?? {}, bindings, 'Assign')).toEqual({ position: { journal: 41 } });
  });
});
